//! The JSON schema of a value that is written as a text of one form, for editors.
//!
//! Not for reading such a value: its `FromStr` decides, and may refuse more than a pattern can say.

/// Gives a type the schema of a text that matches a regular expression as a whole; with `or number` YAML may also write it as a
/// number.
macro_rules! text_schema {
    ($name:ident, $pattern:expr) => {
        $crate::text_schema::text_schema!($name, $pattern, "string");
    };
    ($name:ident, $pattern:expr, or number) => {
        $crate::text_schema::text_schema!($name, $pattern, ["string", "number"]);
    };
    ($name:ident, $pattern:expr, $kind:tt) => {
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let pattern = concat!("^(?:", $pattern, ")$");
                schemars::json_schema!({ "type": $kind, "pattern": pattern })
            }
        }
    };
}
pub(crate) use text_schema;
