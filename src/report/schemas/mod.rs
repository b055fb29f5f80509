//! What the JSON documents hold: their schemas, for programs, from the doc comments of the types that are written.

mod page;
#[cfg(test)]
mod tests;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::{
    AdviceDocument, AlbumAnalysisDocument, AlbumTranslationDocument, AnalysisDocument, ComparisonDocument,
    FailureDocument, MasterReport, ProcessorsDocument, ProfileListDocument, TranslationDocument,
};
use crate::suggest::profile::Profile;

pub use page::json_markdown;

/// A kind of JSON document that halfspeed prints.
#[derive(Debug, Clone, Copy)]
pub struct DocumentKind {
    /// Its name: `analysis`. Such a document says in its `schema` that it is a `halfspeed.analysis/1`.
    pub name: &'static str,
    /// The commands that print it.
    pub printed_by: &'static str,
    schema: fn() -> Schema,
}

/// Every kind.
pub const DOCUMENT_KINDS: [DocumentKind; 11] = [
    DocumentKind {
        name: "analysis",
        printed_by: "`halfspeed analyze FILE`, `halfspeed analyze --json-lines`, `halfspeed render`",
        schema: schema_of_printed::<AnalysisDocument>,
    },
    DocumentKind {
        name: "album-analysis",
        printed_by: "`halfspeed analyze FILE FILE...`",
        schema: schema_of_printed::<AlbumAnalysisDocument<'static>>,
    },
    DocumentKind {
        name: "failure",
        printed_by: "every command with `--json` that has nothing else to tell, `halfspeed analyze --json-lines`",
        schema: schema_of_printed::<FailureDocument<'static>>,
    },
    DocumentKind {
        name: "comparison",
        printed_by: "`halfspeed compare`",
        schema: schema_of_printed::<ComparisonDocument>,
    },
    DocumentKind { name: "advice", printed_by: "`halfspeed advise`", schema: schema_of_printed::<AdviceDocument> },
    DocumentKind { name: "master", printed_by: "`halfspeed master`", schema: schema_of_printed::<MasterReport> },
    DocumentKind {
        name: "translation",
        printed_by: "`halfspeed translate FILE`",
        schema: schema_of_printed::<TranslationDocument>,
    },
    DocumentKind {
        name: "album-translation",
        printed_by: "`halfspeed translate FILE FILE...`",
        schema: schema_of_printed::<AlbumTranslationDocument>,
    },
    DocumentKind {
        name: "profile",
        printed_by: "`halfspeed profile show`, `halfspeed profile build`",
        schema: schema_of_printed::<Profile>,
    },
    DocumentKind {
        name: "profiles",
        printed_by: "`halfspeed profile list`",
        schema: schema_of_printed::<ProfileListDocument>,
    },
    DocumentKind {
        name: "processors",
        printed_by: "`halfspeed processors`",
        schema: schema_of_printed::<ProcessorsDocument>,
    },
];

impl DocumentKind {
    /// What a document of this kind says in its `schema`.
    pub fn id(&self) -> String {
        format!("halfspeed.{}/1", self.name)
    }

    /// Its JSON schema (draft 2020-12), with what each field means.
    pub fn schema(&self) -> Value {
        (self.schema)().to_value()
    }
}

/// The schema of what is written, which may leave out other things than what is read.
fn schema_of_printed<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::default().for_serialize().with_transform(RecursiveTransform(in_terms_of_json));
    settings.into_generator().into_root_schema_for::<T>()
}

/// What Rust calls `None`, JSON calls `null`.
fn in_terms_of_json(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace("`None`", "`null`");
    }
}
