use std::{
    fs::File,
    io::{Read as _, Write},
    path::Path,
};

use castline_core::{BlobName, BlobSource as _, Stored, Time, Watch};

use super::{
    header::{END, Header, padding},
    layer::of_time,
};
use crate::{Error, Layout, LayoutWriter, Result};

/// Makes an `oci-archive` out of what `fill` puts into a layout, which is made for it and goes afterwards.
///
/// # Errors
///
/// Those of `fill`; as [`write_archive`].
pub fn archive_to<T>(
    output: &mut dyn Write,
    watch: &Watch<'_>,
    fill: impl FnOnce(&LayoutWriter) -> Result<T>,
) -> Result<T> {
    let folder = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
    packed(folder.path(), output, watch, fill)
}

/// [`archive_to`] in a file, which is there as a whole or not at all: it is written beside its place, brought to the disk,
/// and renamed.
///
/// # Errors
///
/// As [`archive_to`].
pub fn archive_at<T>(
    path: &Path,
    watch: &Watch<'_>,
    fill: impl FnOnce(&LayoutWriter) -> Result<T>,
) -> Result<T> {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let io = || Error::io(path);
    let folder = tempfile::tempdir_in(parent).map_err(io())?;
    let permissions = std::fs::Permissions::from_mode(0o666);
    let mut archive = tempfile::Builder::new().permissions(permissions).tempfile_in(parent).map_err(io())?;
    let filled = packed(folder.path(), &mut archive, watch, fill)?;
    archive.as_file().sync_all().map_err(io())?;
    archive.persist(path).map_err(|error| io()(error.error))?;
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(io())?;
    Ok(filled)
}

fn packed<T>(
    folder: &Path,
    output: &mut dyn Write,
    watch: &Watch<'_>,
    fill: impl FnOnce(&LayoutWriter) -> Result<T>,
) -> Result<T> {
    let layout = LayoutWriter::create_or_open(folder)?;
    let filled = fill(&layout)?;
    write_archive(&layout.layout()?, output, watch)?;
    Ok(filled)
}

/// Writes a layout as one tar, an `oci-archive`: the same layout gives the same bytes. Its members are in the order in
/// which a reader wants them: what says what it is, what it has, then blobs by name.
///
/// # Errors
///
/// [`Error::Io`]; [`Error::Cancelled`].
pub fn write_archive(layout: &Layout, output: &mut dyn Write, watch: &Watch<'_>) -> Result<()> {
    let io = || Error::io("the archive");
    let mut members: Vec<Stored> = layout.stored().map_err(io())?;
    let rank = |path: &str| match path {
        "oci-layout" => 0,
        "index.json" => 1,
        _ => 2,
    };
    members.retain(|member| rank(&member.path) < 2 || member.path.starts_with("blobs/"));
    members.sort_by(|one, other| (rank(&one.path), &one.path).cmp(&(rank(&other.path), &other.path)));
    let mut folders = Vec::new();
    let header = |path: &str, flag, mode, size| {
        let path = path.as_bytes();
        let mtime = of_time(Time::default());
        Header { path, flag, mode, uid: 0, gid: 0, size, mtime, link: b"", device: (0, 0), xattrs: &[] }
            .to_bytes()
    };
    for Stored { path, .. } in members {
        for (end, _) in path.match_indices('/') {
            let folder = &path[..=end];
            if !folders.iter().any(|known| known == folder) {
                output.write_all(&header(folder, b'5', 0o755, 0)).map_err(io())?;
                folders.push(folder.to_owned());
            }
        }
        let blob = layout.open(&BlobName::File(path.as_str().into()));
        let blob = blob.map_err(|fault| Error::io(&path)(std::io::Error::other(format!("{fault:?}"))))?;
        let size = blob.size.unwrap_or_default();
        output.write_all(&header(&path, b'0', 0o644, size)).map_err(io())?;
        let mut reader = blob.reader.take(size);
        let mut buffer = vec![0; 256 << 10];
        let mut left = size;
        while left > 0 {
            if watch.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let length = reader.read(&mut buffer).map_err(Error::io(&path))?;
            if length == 0 {
                return Err(Error::SourceChanged { path: path.into() });
            }
            output.write_all(&buffer[..length]).map_err(io())?;
            left -= length as u64;
        }
        output.write_all(&[0; 512][..padding(size)]).map_err(io())?;
    }
    output.write_all(&END).map_err(io())
}
