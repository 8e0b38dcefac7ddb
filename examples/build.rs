//! Builds an image twice, on one core and on all, and shows that it is the same one.
//!
//! `cargo run --example build` packs this repository's examples.

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{num::NonZeroUsize, path::Path};

use castline::{
    Watch,
    sources::{ImageBuilder, LayerSource, LayoutWriter, Modes},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let builder = ImageBuilder::new("linux/amd64".parse()?)
        .with_layer(LayerSource::directory(files).at("/usr/share/castline").with_modes(Modes::Normal))
        .with_created("2026-11-23T22:50:00Z".parse()?)
        .with_cmd(["/bin/sh"])
        .with_label("purpose", "example");

    let folder = tempfile::tempdir()?;
    let layout = LayoutWriter::create_or_open(folder.path())?;
    let image = builder.build(&layout, &Watch::none())?;
    let again = builder.with_jobs(NonZeroUsize::MIN).build(&layout, &Watch::none())?;
    assert_eq!(image.descriptor.digest, again.descriptor.digest);
    layout.name(Some("v1"), &image.descriptor)?;

    println!("{} {} bytes", image.descriptor.digest, image.descriptor.size);
    for layer in &image.layers {
        println!("  layer {} {} bytes, {} entries", layer.digest, layer.size, layer.entries);
    }
    Ok(())
}
