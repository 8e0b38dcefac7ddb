//! xz (the .xz file format 1.2), written by hand with uncompressed LZMA2 chunks.

const FLAGS: [u8; 2] = [0, 1]; // the check is CRC32

/// One stream of one block.
pub(crate) fn stream(data: &[u8]) -> Vec<u8> {
    let mut block = vec![2, 0, 0x21, 1, 0, 0, 0, 0];
    block.extend(crc32fast::hash(&block).to_le_bytes());
    for (place, chunk) in data.chunks(1 << 16).enumerate() {
        block.push(if place == 0 { 1 } else { 2 });
        block.extend(((chunk.len() - 1) as u16).to_be_bytes());
        block.extend(chunk);
    }
    block.push(0);
    let unpadded = block.len() + 4;
    pad(&mut block);
    block.extend(crc32fast::hash(data).to_le_bytes());

    let mut index = vec![0, 1];
    index.extend(number(unpadded));
    index.extend(number(data.len()));
    pad(&mut index);
    index.extend(crc32fast::hash(&index).to_le_bytes());

    let mut footer = ((index.len() / 4 - 1) as u32).to_le_bytes().to_vec();
    footer.extend(FLAGS);

    let mut bytes = b"\xfd7zXZ\0".to_vec();
    bytes.extend(FLAGS);
    bytes.extend(crc32fast::hash(&FLAGS).to_le_bytes());
    bytes.extend(block);
    bytes.extend(index);
    bytes.extend(crc32fast::hash(&footer).to_le_bytes());
    bytes.extend(footer);
    bytes.extend(b"YZ");
    bytes
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
