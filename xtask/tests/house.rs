//! The rules that hold the house up, as tests. `ARCHITECTURE.md` says why each exists.

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
#[path = "house/sources.rs"]
mod sources;
