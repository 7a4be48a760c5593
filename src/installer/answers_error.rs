//! Why an installer gets no answers, whichever it is.

use super::preseed::cpio::CpioError;
use super::target_scripts::PayloadMismatch;
use crate::hint::hinted;
use crate::template::TemplateError;

/// Why there is no kickstart, or no preseed.
#[derive(Debug, thiserror::Error)]
pub enum AnswersError {
    /// A template does not render.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The payload is not what the system needs.
    #[error(transparent)]
    Payload(#[from] PayloadMismatch),
    /// The profile's installer reads another kind of answers.
    #[error("{0} is not installed by {1}")]
    OtherInstaller(String, &'static str),
    /// An answer that a preseed cannot hold.
    #[error("the answer {question} {value:?} cannot be written on one line")]
    Unwritable {
        /// The question.
        question: String,
        /// The value.
        value: String,
    },
    /// The text does not say what was meant.
    #[error("template {0}: {1}")]
    Differs(String, String),
    /// The archive does not hold what was put into it.
    #[error("the archive of the preseed is not what was written")]
    Archive(#[source] Option<CpioError>),
}

impl AnswersError {
    /// What to do about it: the message says all there is.
    pub fn hint(&self) -> Option<String> {
        None
    }
}

hinted!(AnswersError);
