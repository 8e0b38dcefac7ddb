//! What fs-verity calls a file: the root of a hash tree over its blocks, and its size
//! (Linux, `Documentation/filesystems/fsverity.rst`, *Merkle tree* and *fs-verity descriptor*).

use castline_sha256::Sha256;

/// The kernel's and every tool's default: SHA-256 over blocks of 4,096 bytes, without a salt.
const BLOCK: usize = 4096;
const LOG_BLOCK: u8 = 12;
const SHA256: u8 = 1;

/// Computes the digest that the kernel measures of a file of which it has been told to guard the content.
#[derive(Debug, Default)]
pub(super) struct Verity {
    size: u64,
    /// The last bytes of the file, less than a block.
    block: Vec<u8>,
    levels: Vec<Level>,
}

/// Hashes of the blocks of the level below.
#[derive(Debug, Default)]
struct Level {
    /// Those that do not fill a block yet.
    hashes: Vec<u8>,
    /// Whether there were more before.
    more: bool,
}

impl Verity {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK {
                let hash = Sha256::digest(&self.block);
                self.block.clear();
                self.add(hash);
            }
        }
    }

    /// Takes in the hash of a block of the file.
    fn add(&mut self, mut hash: [u8; 32]) {
        for at in 0.. {
            if at == self.levels.len() {
                self.levels.push(Level::default());
            }
            let level = &mut self.levels[at];
            level.hashes.extend_from_slice(&hash);
            if level.hashes.len() < BLOCK {
                break;
            }
            hash = Sha256::digest(&level.hashes);
            level.hashes.clear();
            level.more = true;
        }
    }

    /// The hash that stands for all blocks; zeros for an empty file.
    fn root(&mut self) -> [u8; 32] {
        if !self.block.is_empty() {
            let hash = padded(&std::mem::take(&mut self.block));
            self.add(hash);
        }
        let mut carried: Option<[u8; 32]> = None;
        for level in &self.levels {
            let mut hashes = level.hashes.clone();
            hashes.extend(carried.take().into_iter().flatten());
            match <[u8; 32]>::try_from(&hashes[..]) {
                // A level of one hash is the top.
                Ok(root) if !level.more => return root,
                _ if hashes.is_empty() => {}
                _ => carried = Some(padded(&hashes)),
            }
        }
        carried.unwrap_or_default()
    }

    pub(super) fn finish(mut self) -> [u8; 32] {
        let root = self.root();
        let mut descriptor = [0; 256];
        descriptor[..3].copy_from_slice(&[1, SHA256, LOG_BLOCK]);
        descriptor[8..16].copy_from_slice(&self.size.to_le_bytes());
        descriptor[16..48].copy_from_slice(&root);
        Sha256::digest(&descriptor)
    }
}

/// The hash of a block that zeros fill up.
fn padded(bytes: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    block[..bytes.len()].copy_from_slice(bytes);
    Sha256::digest(&block)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `fsverity digest` of fsverity-utils says of files with the bytes 0 to 250 again and again.
    const DIGESTS: &[(usize, &str)] = &[
        (0, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"),
        (1, "b803429503d95915829b29fdbc8bbad142f3abfd11b1cadf5526582e685c0551"),
        (4_095, "5f4953aad672b0188023d6cd6fbce9d09508eb7dad165b6298ce0086bc1e72db"),
        (4_096, "13e9b8848ae484a36acb3f3cac0ceb2f7601e96633d15c92f9bd3dd44e492157"),
        (4_097, "b0d074abef4d544404facfab6ba242f6a8ccbde90f1325cd286f3c8aa8d0f8aa"),
        (524_287, "9735c4bb231d3222d1e5e23a4004d8b59dd33395d7de390530e15c2572000b47"),
        (524_288, "d82861203d50ae9b60948504a704f35f5118bd229aeb1a22d6dae47b1767c4c4"),
        (524_289, "4dc6905041c9c4ee73e13b53f63f5d289c46da359b664a965ead7f8cc4d799d4"),
        (528_384, "dd56ffe5de24c1229fe22d25f91db9e735f6adc921510dcf480094624458c92a"),
        (1_048_576, "93c995656d665b81c3a87eed032fcf06a8f9cecef51e3f5e5af7fa59fef1d439"),
        (67_108_864, "196650e8bd05f8516c0ede56deeb4d1ff2be9809dc2d827261db4a7773957567"),
        (67_108_865, "acba6554fbff4e8b2fc0361086b9e8ed6afbbd3196ade159c0f3e2bf9ecb2ed1"),
        (3_000_000, "806637cc95983f0e50918d26413ef0a35b7cd8ed7c16e2c5ff140ea87bdc8f58"),
    ];

    #[test]
    fn digests_are_those_of_fsverity_utils() {
        for (size, expected) in DIGESTS {
            let content: Vec<u8> = (0..=250).cycle().take(*size).collect();
            for cut in [4096, 5000, usize::MAX] {
                let mut verity = Verity::default();
                content.chunks(cut.min(content.len().max(1))).for_each(|part| verity.update(part));
                let digest = crate::Digest::from_sha256(verity.finish());
                assert_eq!(digest.encoded(), *expected, "{size} bytes");
            }
        }
    }
}
