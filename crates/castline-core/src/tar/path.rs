/// Where a name in a tar leads, seen from the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Normalized {
    /// The name without empty, `.` and `..` parts, e.g. `a/b`; the root is empty. What would leave the root stays in
    /// it, as in a chroot.
    pub path: Vec<u8>,
    /// Whether the name is absolute, or a `..` in it left the root.
    pub escapes: bool,
}

/// Resolves a name as text: links are not followed.
///
/// ```
/// use castline_core::tar::normalize;
///
/// assert_eq!(normalize(b"./a//b/../c/").path, b"a/c");
/// assert!(normalize(b"a/../../etc").escapes);
/// ```
pub fn normalize(path: &[u8]) -> Normalized {
    let mut normal = Normalized { path: Vec::with_capacity(path.len()), escapes: path.starts_with(b"/") };
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if normal.path.is_empty() => normal.escapes = true,
            b".." => {
                let parent = normal.path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                normal.path.truncate(parent);
            }
            part => {
                if !normal.path.is_empty() {
                    normal.path.push(b'/');
                }
                normal.path.extend_from_slice(part);
            }
        }
    }
    normal
}
