//! `include/castline.h` is what cbindgen makes of this crate now.

use std::{env, fs, path::Path};

#[test]
fn the_header_is_current() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config =
        cbindgen::Config::from_file(crate_folder.join("cbindgen.toml")).expect("the configuration");
    for (mark, value) in [
        ("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR")),
        ("@MINOR@", env!("CARGO_PKG_VERSION_MINOR")),
        ("@PATCH@", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        config.header = config.header.map(|text| text.replace(mark, value));
    }
    let mut made = Vec::new();
    cbindgen::generate_with_config(crate_folder, config).expect("a header").write(&mut made);
    let path = crate_folder.join("../../include/castline.h");
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &made).expect("the header is written");
    }
    let kept = fs::read(&path).unwrap_or_default();
    assert!(kept == made, "include/castline.h is stale: run `UPDATE_EXPECT=1 cargo test -p castline-c`");
}

/// Who frees what is given, what an argument is: each function says something.
#[test]
fn everything_in_the_header_is_documented() {
    let header = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include/castline.h"))
        .expect("the header");
    let lines: Vec<&str> = header.lines().collect();
    let mut functions = 0;
    for (position, line) in lines.iter().enumerate() {
        let function = line.starts_with("CASTLINE_API");
        functions += usize::from(function);
        if function || line.starts_with("typedef") || line.starts_with("#define CASTLINE_INVALID") {
            assert_eq!(lines[position - 1].trim(), "*/", "{line} has no comment");
        }
    }
    assert!(functions > 90, "{functions}");
}
