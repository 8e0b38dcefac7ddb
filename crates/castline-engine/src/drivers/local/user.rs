//! Whom a program is run as: names are looked up in the instance's own tree, as Docker does.

use std::{fs::File, io::Read as _, path::Path};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use super::{record::User, tree::open_folder};
use crate::DriverError;

/// How much of `/etc/passwd` and `/etc/group` is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The user that `text` names, as `user[:group]` by name or number. Empty is root.
pub(super) fn resolve(text: &str, root: &Path) -> Result<User, DriverError> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let (accounts, groups) = (lines(root, "etc/passwd")?, lines(root, "etc/group")?);
    let unknown = |what: &str, name: &str, file: &str| {
        DriverError::permanent(format!("the {what} `{name}` is not in {file} of the image"))
    };
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number < u32::MAX);
    let account = accounts.iter().find(|account| {
        account.first().is_some_and(|name| name == user)
            || number(user).is_some_and(|uid| account.get(2).and_then(|text| number(text)) == Some(uid))
    });
    let uid = match (number(user), account.and_then(|account| number(account.get(2)?))) {
        _ if user.is_empty() => 0,
        (Some(uid), _) | (None, Some(uid)) => uid,
        (None, None) => return Err(unknown("user", user, "/etc/passwd")),
    };
    let gid = match group.filter(|group| !group.is_empty()) {
        Some(group) => {
            let named = groups.iter().find(|entry| entry.first().is_some_and(|name| name == group));
            number(group)
                .or_else(|| number(named?.get(2)?))
                .ok_or_else(|| unknown("group", group, "/etc/group"))?
        }
        None => account.and_then(|account| number(account.get(3)?)).unwrap_or(0),
    };
    // A group that is named is the only one, as in Docker.
    let name = account.and_then(|account| account.first()).filter(|_| group.is_none());
    let member = |entry: &&Vec<String>| {
        entry.get(3).zip(name).is_some_and(|(members, name)| members.split(',').any(|member| member == name))
    };
    let mut further: Vec<u32> = groups
        .iter()
        .filter(member)
        .filter_map(|entry| number(entry.get(2)?))
        .filter(|id| *id != gid)
        .collect();
    further.sort_unstable();
    further.dedup();
    Ok(User { uid, gid, groups: further })
}

/// The fields of a file's lines; none where there is no such file. Links lead to where they would for the instance.
fn lines(root: &Path, path: &str) -> Result<Vec<Vec<String>>, DriverError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let Ok(file) = openat2(open_folder(root)?, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) else {
        return Ok(Vec::new());
    };
    let file = File::from(file);
    let mut bytes = Vec::new();
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        file.take(LONGEST)
            .read_to_end(&mut bytes)
            .map_err(|error| DriverError::temporary(format!("/{path} of the image: {error}")))?;
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn users_are_looked_up_in_the_image() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir(root.join("etc")).expect("a folder");
        fs::write(root.join("etc/real"), "root:x:0:0::/:/bin/sh\napp:x:7:8::/:\n").expect("writes");
        symlink("/etc/real", root.join("etc/passwd")).expect("a link");
        fs::write(root.join("etc/group"), "root:x:0:\napp:x:8:\nlogs:x:9:other,app\n").expect("writes");
        let user = |uid, gid, groups: &[u32]| User { uid, gid, groups: groups.to_vec() };
        for (text, expected) in [
            ("", user(0, 0, &[])),
            ("0", user(0, 0, &[])),
            ("root", user(0, 0, &[])),
            ("app", user(7, 8, &[9])),
            ("7", user(7, 8, &[9])),
            ("app:logs", user(7, 9, &[])),
            ("app:11", user(7, 11, &[])),
            ("1000", user(1000, 0, &[])),
            ("1000:1000", user(1000, 1000, &[])),
        ] {
            assert_eq!(resolve(text, root).expect(text), expected, "{text}");
        }
        for (text, reason) in
            [("nobody", "`nobody`"), ("app:wheel", "`wheel`"), ("4294967295", "/etc/passwd")]
        {
            let error = resolve(text, root).expect_err(text);
            assert!(!error.is_temporary() && error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn no_file_of_the_machine_is_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, outside) = (folder.path().join("root"), folder.path().join("passwd"));
        fs::create_dir_all(root.join("etc")).expect("a folder");
        fs::write(&outside, "app:x:7:8::/:\n").expect("writes");
        symlink(&outside, root.join("etc/passwd")).expect("a link");
        assert!(resolve("app", &root).is_err());
        fs::remove_file(root.join("etc/passwd")).expect("removes");
        symlink("../../passwd", root.join("etc/passwd")).expect("a link");
        assert!(resolve("app", &root).is_err());
    }
}
