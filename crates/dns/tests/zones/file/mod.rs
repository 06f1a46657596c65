//! Zone files, read here and by the real BIND.

mod cases;
mod fuzz;
mod judge;
mod options;
mod providers;
mod random;
