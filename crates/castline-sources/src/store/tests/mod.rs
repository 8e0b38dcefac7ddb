mod crashes;
mod simulated;

use super::is_ref_name;

#[test]
fn names_are_those_of_the_specification() {
    for name in ["v1", "1.0.0-rc.1", "example/app:v1", "a@b", "a--b", "A+b_c"] {
        assert!(is_ref_name(name), "{name}");
    }
    for name in ["", "/", "a/", "-a", "a..b", "a---b", "a b", "a\n", "ü", &"x".repeat(256)] {
        assert!(!is_ref_name(name), "{name:?}");
    }
}
