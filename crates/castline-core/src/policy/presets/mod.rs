//! Presets: budgets and policies that follow other systems' rules, from those systems' own parameters.
