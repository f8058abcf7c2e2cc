//! The rules that hold the house up, as tests. `ARCHITECTURE.md` says why each exists.

#[path = "../src/files.rs"]
mod files;
#[path = "../src/flips.rs"]
mod flips;
#[path = "house/graph.rs"]
mod graph;
#[path = "house/links.rs"]
mod links;
#[path = "house/pages.rs"]
mod pages;
#[path = "house/purity.rs"]
mod purity;
#[path = "house/shape.rs"]
mod shape;
#[path = "house/shown.rs"]
mod shown;
#[path = "house/sources.rs"]
mod sources;
