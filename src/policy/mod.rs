//! Who may do what: Cedar policies as text, and the permit that only they can give. Knows no database and no HTTP.

mod engine;

pub use engine::{Action, Ask, Decision, Engine, Permit, PolicyFault, Resource};
