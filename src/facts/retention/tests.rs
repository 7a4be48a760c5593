//! The retention volume of invented hosts, each answer as a real command words it.
