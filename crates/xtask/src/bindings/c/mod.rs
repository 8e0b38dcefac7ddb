//! The C library: installed into a folder of its own, and used from there by programs of C and C++.

mod archive;
mod header;
mod install;

use std::{
    collections::BTreeSet,
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

pub use install::{install_built, install_into};

use crate::{checks::execute, engines, say};

/// What builds and looks at programs, and the Debian packages that have it.
const TOOLS: &[(&str, &str)] = &[
    ("ar", "binutils"),
    ("cmake", "cmake"),
    ("g++", "g++"),
    ("gcc", "gcc libc6-dev"),
    ("ld", "binutils"),
    ("make", "make"),
    ("nm", "binutils"),
    ("objcopy", "binutils"),
    ("pkg-config", "pkg-config"),
    ("valgrind", "valgrind libc6-dbg"),
];

/// Where the installed library and the programs are.
const PLACE: &str = "target/bindings/c";

/// The standards that the header is for.
const STANDARDS: &[(&str, &[&str])] =
    &[("gcc", &["c89", "c99", "c11", "c17", "c2x"]), ("g++", &["c++98", "c++11", "c++14", "c++17", "c++20"])];

/// What the compilers are to find wrong.
const STRICT: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Werror"];

/// Of the lines of the vectors, valgrind runs one in so many, and `AddressSanitizer`.
const UNDER_VALGRIND: &str = "40";
const SANITIZED: &str = "4";

pub(super) fn run(root: &Path) -> io::Result<()> {
    say("\n== C");
    let missing = engines::require(TOOLS)?;
    if !missing.is_empty() {
        let what = format!("the C library is not tested: there is no {}", missing.join(", no "));
        if env::var_os("CI").is_some_and(|ci| ci == "true") {
            return Err(io::Error::other(what));
        }
        say(&format!("SKIPPED: {what}"));
        return Ok(());
    }
    let place = root.join(PLACE);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    let bench = Bench { root, prefix: place.join("prefix"), place };
    install_into(root, &bench.prefix, false)?;
    bench.symbols()?;
    bench.standards()?;
    let how = bench.shared()?;
    let programs = bench.programs("shared", &how.each_ref().map(String::as_str))?;
    bench.tests(&programs)?;
    bench.valgrind(&programs)?;
    bench.sanitized()?;
    bench.by_pkg_config()?;
    bench.by_cmake()
}

/// Where it is tested.
struct Bench<'r> {
    root: &'r Path,
    place: PathBuf,
    prefix: PathBuf,
}

impl Bench<'_> {
    /// Both libraries have the functions of the header and no others, and the shared one the name that programs look for.
    fn symbols(&self) -> io::Result<()> {
        let mut declared = archive::functions(self.root)?;
        if declared.len() < 90 {
            return Err(io::Error::other("the header was not read to its end"));
        }
        declared.insert(archive::FOR_TESTS.to_owned());
        let (shared, of_static) =
            (self.prefix.join("lib/libcastline.so"), self.prefix.join("lib/libcastline.a"));
        let library = text(&shared)?;
        for list in
            [["nm", "-D", "--defined-only", library], ["nm", "-g", "--defined-only", text(&of_static)?]]
        {
            let listed = output(&list)?;
            let exported: BTreeSet<String> =
                listed.lines().filter_map(|line| Some(line.split_whitespace().nth(2)?.to_owned())).collect();
            if exported != declared {
                let differ: Vec<_> = exported.symmetric_difference(&declared).collect();
                return Err(io::Error::other(format!("the header and {} differ: {differ:?}", list[3])));
            }
        }
        let name = format!("[libcastline.so.{}]", install::abi());
        if !output(&["readelf", "-d", library])?
            .lines()
            .any(|line| line.contains("SONAME") && line.contains(&name))
        {
            return Err(io::Error::other(format!("the library's name is not {name}")));
        }
        Ok(())
    }

    fn header(&self) -> io::Result<String> {
        fs::read_to_string(self.root.join("include/castline.h"))
    }

    /// The header compiles alone in every standard, without a warning.
    fn standards(&self) -> io::Result<()> {
        let include = self.root.join("include");
        let program = self.root.join("bindings/c/tests/alone.c");
        for (compiler, standards) in STANDARDS {
            let language = if *compiler == "gcc" { "c" } else { "c++" };
            for standard in *standards {
                let standard = format!("-std={standard}");
                let command = [*compiler, &standard, "-fsyntax-only", "-I", text(&include)?, "-x", language];
                execute(&self.place, &[&command[..], STRICT, &[text(&program)?]].concat(), &[])?;
            }
        }
        Ok(())
    }

    /// Compiles one of the tests; `how` links the library.
    fn compiled(&self, source: &Path, name: &str, how: &[&str]) -> io::Result<PathBuf> {
        let program = self.place.join(name);
        let (include, tests, examples) =
            (self.prefix.join("include"), self.root.join("bindings/c/tests"), self.root.join("examples/c"));
        let folders = ["-I", text(&include)?, "-I", text(&tests)?, "-I", text(&examples)?];
        let command = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-pthread", "-Wno-unused-function"];
        let sources = ["-o", text(&program)?, text(source)?];
        execute(&self.place, &[&command[..], STRICT, &folders, &sources, how].concat(), &[])?;
        Ok(program)
    }

    /// The tests, linked in one way.
    fn programs(&self, ending: &str, how: &[&str]) -> io::Result<Programs> {
        let tests = self.root.join("bindings/c/tests");
        let misuse = self.place.join("misuse.c");
        fs::write(&misuse, header::misuse(&self.header()?)?)?;
        let of =
            |name: &str| self.compiled(&tests.join(format!("{name}.c")), &format!("{name}-{ending}"), how);
        Ok(Programs {
            conformance: of("conformance")?,
            behaviour: of("behaviour")?,
            leaks: of("leaks")?,
            misuse: self.compiled(&misuse, &format!("misuse-{ending}"), how)?,
        })
    }

    /// How to link the shared library, as it is found at run time, too.
    fn shared(&self) -> io::Result<[String; 3]> {
        let lib = self.prefix.join("lib");
        let lib = text(&lib)?;
        Ok([format!("-L{lib}"), format!("-Wl,-rpath,{lib}"), "-lcastline".to_owned()])
    }

    /// Runs a program, `under` another one, on the vectors and in a folder of its own.
    fn run(&self, under: &[&str], program: &Path, arguments: &[&str]) -> io::Result<()> {
        let quiet = [("ASAN_OPTIONS", "detect_leaks=1"), ("RUST_BACKTRACE", "0")];
        execute(&self.place, &[under, &[text(program)?], arguments].concat(), &quiet)
    }

    fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.place.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn vectors(&self) -> PathBuf {
        self.root.join("tests/vectors")
    }

    /// Every line of the vectors, and all other tests, with the shared library.
    fn tests(&self, programs: &Programs) -> io::Result<()> {
        let (vectors, folder) = (self.vectors(), self.folder("shared")?);
        self.run(&[], &programs.misuse, &[])?;
        self.run(&[], &programs.behaviour, &[text(&vectors)?, text(&folder)?])?;
        self.run(&[], &programs.conformance, &[text(&vectors)?])?;
        self.run(&[], &programs.leaks, &[])
    }

    /// The same programs under valgrind, on fewer lines: no access that is wrong, and nothing lost.
    fn valgrind(&self, programs: &Programs) -> io::Result<()> {
        let (vectors, folder) = (self.vectors(), self.folder("valgrind")?);
        let valgrind = [
            "valgrind",
            "--quiet",
            "--error-exitcode=9",
            "--child-silent-after-fork=yes",
            "--leak-check=full",
            // Lists whose pointers have tags, as crossbeam's, are to valgrind lost possibly.
            "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect",
        ];
        self.run(&valgrind, &programs.misuse, &[])?;
        self.run(&valgrind, &programs.behaviour, &[text(&vectors)?, text(&folder)?, "small"])?;
        self.run(&valgrind, &programs.conformance, &[text(&vectors)?, UNDER_VALGRIND])
    }

    /// The same programs with the static library, and with what compilers can watch.
    fn sanitized(&self) -> io::Result<()> {
        let library = self.prefix.join("lib/libcastline.a");
        let watched = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
        let private = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];
        let how = [&watched[..], &[text(&library)?], &private].concat();
        let names = self.root.join("bindings/c/tests/names.c");
        let names = self.compiled(&names, "names", &[&[text(&library)?], &private[..]].concat())?;
        self.run(&[], &names, &[text(&self.vectors())?])?;
        let programs = self.programs("sanitized", &how)?;
        let (vectors, folder) = (self.vectors(), self.folder("sanitized")?);
        self.run(&[], &programs.misuse, &[])?;
        self.run(&[], &programs.behaviour, &[text(&vectors)?, text(&folder)?, "small"])?;
        self.run(&[], &programs.conformance, &[text(&vectors)?, SANITIZED])
    }

    /// The examples, and the one of the README, built as `pkg-config` says.
    fn by_pkg_config(&self) -> io::Result<()> {
        let readme = fs::read_to_string(self.root.join("bindings/c/README.md"))?;
        let first = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next());
        let first = first.ok_or_else(|| io::Error::other("bindings/c/README.md has no example"))?;
        fs::write(self.place.join("first.c"), first)?;
        let examples = self.root.join("examples/c");
        let folder = self.prefix.join("lib/pkgconfig");
        let path = [("PKG_CONFIG_PATH", text(&folder)?)];
        let lib = self.prefix.join("lib");
        let image = format!("oci:{}", text(&self.place.join("shared/large"))?);
        for (name, flags, link) in [
            ("shared", "--cflags --libs", "-lcastline"),
            // `--static` says what else it needs; which of two libraries is taken, the linker is told.
            ("static", "--static --cflags --libs", "-l:libcastline.a"),
        ] {
            let flags = format!("$(pkg-config {flags} castline | sed 's/-lcastline/{link}/')");
            for source in [examples.join("verify.c"), examples.join("drive.c"), self.place.join("first.c")] {
                let stem = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let strict = STRICT.join(" ");
                let build = format!("gcc -std=c99 {strict} '{}' -o {stem}-{name} {flags}", text(&source)?);
                execute(&self.place, &["sh", "-c", &build], &path)?;
            }
            let found: &[_] = if name == "shared" { &[("LD_LIBRARY_PATH", text(&lib)?)] } else { &[] };
            execute(&self.place, &[&format!("./drive-{name}")], found)?;
            execute(&self.place, &[&format!("./verify-{name}"), &image], found)?;
        }
        Ok(())
    }

    /// A project of `cmake` that finds the installed prefix, with both libraries, and in C++.
    fn by_cmake(&self) -> io::Result<()> {
        let (project, build) = (self.root.join("bindings/c/tests/cmake"), self.folder("cmake")?);
        let prefix = format!("-DCMAKE_PREFIX_PATH={}", text(&self.prefix)?);
        let examples = format!("-DEXAMPLES={}", text(&self.root.join("examples/c"))?);
        let configure = ["cmake", "-S", text(&project)?, "-B", text(&build)?, &prefix, &examples];
        let quiet = ["--log-level=WARNING", "-Wno-dev"];
        execute(&self.place, &[&configure[..], &quiet].concat(), &[])?;
        execute(&self.place, &["cmake", "--build", text(&build)?, "--", "--quiet"], &[])?;
        execute(&build, &["./drive-shared"], &[])?;
        execute(&build, &["./drive-static"], &[])?;
        let image = format!("oci:{}", text(&self.place.join("shared/large"))?);
        execute(&build, &["./throws", &image], &[("RUST_BACKTRACE", "0")])
    }
}

/// The tests as programs.
struct Programs {
    conformance: PathBuf,
    behaviour: PathBuf,
    leaks: PathBuf,
    misuse: PathBuf,
}

/// What a command prints.
fn output(command: &[&str]) -> io::Result<String> {
    let output = Command::new(command[0]).args(&command[1..]).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("`{}` failed ({})", command.join(" "), output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", path.display())))
}
