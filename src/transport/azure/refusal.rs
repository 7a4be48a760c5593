//! What an answer that is none says: the error's code and message, and the right that is lacking.
//!
//! Not for whether the request is repeated (`retry`).

use serde_json::Value;

use super::body;
use crate::facts::azure::answers::AzureFailure;
use crate::transport::http::message::HttpResponse;

/// The most characters of a message of the service.
const MAX_MESSAGE: usize = 400;

/// The error of an answer's body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ArmError {
    /// Its code, such as `AuthorizationFailed`.
    pub code: Option<String>,
    /// Its message in one line.
    pub message: Option<String>,
    /// The codes of its details.
    pub detail_codes: Vec<String>,
    /// The possible causes and the recommended action that details give.
    pub advice: Vec<String>,
}

impl ArmError {
    /// Reads the error of a body; empty for a body that has none, such as the page of a gateway.
    pub fn parse(bytes: &[u8]) -> Self {
        let Ok(body) = body::parse(bytes) else { return Self::default() };
        let error = body.get("error").unwrap_or(&body);
        let details = error["details"].as_array().map_or(&[][..], Vec::as_slice);
        let advice = details.iter().flat_map(|detail| {
            let inner = detail.get("properties").unwrap_or(detail);
            ["possibleCauses", "recommendedAction"].map(|key| text(&inner[key]))
        });
        // The login service has texts where Resource Manager has an object.
        let code = error.as_str().or_else(|| error["code"].as_str()).map(one_line);
        let message = text(&error["message"]).or_else(|| text(&body["error_description"]));
        Self {
            code: code.filter(|code| !code.is_empty()),
            message,
            detail_codes: details.iter().filter_map(|detail| text(&detail["code"])).collect(),
            advice: advice.flatten().collect(),
        }
    }

    /// Whether it has this code, itself or among its details.
    pub fn has_code(&self, codes: &[&str]) -> bool {
        let all = self.code.iter().chain(&self.detail_codes);
        all.into_iter().any(|code| codes.contains(&code.as_str()))
    }
}

/// Returns the failure that an answer is to the request for `path`.
pub fn failure(response: &HttpResponse, path: &str) -> AzureFailure {
    let error = ArmError::parse(&response.body);
    let status = response.status;
    let shown = error.code.as_deref().map_or(String::new(), |code| format!(", {code}"));
    let message = error.message.as_deref().unwrap_or_default();
    let lacking = (status == 403).then(|| named_action(message).or_else(|| derived_action(path)));
    let lacking = lacking.flatten();
    let reason = match (status, &lacking) {
        (401, _) if claims_challenge(response) => {
            "the login is not accepted any more: log in again".to_owned()
        }
        (401, _) => format!("the token is not accepted (HTTP 401{shown}){}", behind(message)),
        (403, Some(action)) => {
            format!("the account lacks the right {action} (HTTP 403{shown})")
        }
        (403, None) => format!("the account may not read it (HTTP 403{shown}){}", behind(message)),
        (404, _) => format!("not found (HTTP 404{shown}){}", behind(message)),
        (300..=399, _) => format!("HTTP {status}: a redirect, which is never followed"),
        _ => format!("HTTP {status}{shown}{}", behind(message)),
    };
    let advice: String = error.advice.iter().map(|advice| format!("; {advice}")).collect();
    AzureFailure { status: Some(status), code: error.code, reason: reason + &advice, lacking }
}

fn behind(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

/// Whether the login was revoked, which a new token of the same login does not help.
fn claims_challenge(response: &HttpResponse) -> bool {
    response.header("www-authenticate").is_some_and(|value| value.contains("claims="))
}

/// Returns the action that a refusal names: "… to perform action 'A' over scope …".
fn named_action(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("action '")?;
    let (action, _) = rest.split_once('\'')?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "./-_".contains(c);
    (action.len() <= 200 && action.contains('/') && action.chars().all(allowed))
        .then(|| action.to_owned())
}

/// Returns the action that reading a path takes: its provider and types, and `read`.
fn derived_action(path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or(path);
    let (_, below) = path.rsplit_once("/providers/")?;
    let (provider, rest) = below.split_once('/')?;
    // Types and names alternate; a list is a type without a name.
    let types: Vec<&str> = rest.split('/').step_by(2).collect();
    Some(format!("{provider}/{}/read", types.join("/")))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(one_line).filter(|text| !text.is_empty())
}

/// Makes one line of a text, without control characters and of bounded length.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= MAX_MESSAGE {
        return line;
    }
    let cut: String = line.chars().take(MAX_MESSAGE).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    fn answer(status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status,
            reason: String::new(),
            content_type: String::new(),
            location: None,
            session: None,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            closes: false,
            read: 0,
        }
    }

    const JOBS: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v/replicationJobs";

    #[test]
    fn a_lacking_right_is_named_by_the_message_or_by_the_path() {
        let said = r#"{"error":{"code":"AuthorizationFailed","message":"The client 'a' with object id 'b' does not have authorization to perform action 'Microsoft.RecoveryServices/vaults/read' over scope '/x'."}}"#;
        let failure = failure(&answer(403, said), JOBS);
        assert_eq!(failure.lacking.as_deref(), Some("Microsoft.RecoveryServices/vaults/read"));
        assert_eq!(failure.code.as_deref(), Some("AuthorizationFailed"));
        for (path, action) in [
            (JOBS, "Microsoft.RecoveryServices/vaults/replicationJobs/read"),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines?x=y",
                "Microsoft.Compute/virtualMachines/read",
            ),
            (
                "/subscriptions/s/providers/Microsoft.Compute/virtualMachines?statusOnly=true",
                "Microsoft.Compute/virtualMachines/read",
            ),
        ] {
            let failure = super::failure(&answer(403, ""), path);
            assert_eq!(failure.lacking.as_deref(), Some(action));
        }
    }

    #[test]
    fn advice_is_shown_and_nothing_that_moves_a_cursor() {
        let body = "{\"error\":{\"code\":\"NotFound\",\"message\":\"gone\\u001b[31m\\r\\n it is\",\
                    \"details\":[{\"code\":\"ArmResourceDoesNotExist\",\"possibleCauses\":\"it was deleted\",\
                    \"recommendedAction\":\"\"}]}}";
        let failure = failure(&answer(404, body), JOBS);
        assert_eq!(
            failure.reason,
            "not found (HTTP 404, NotFound): gone [31m it is; it was deleted"
        );
    }

    #[test]
    fn what_is_no_error_body_still_has_a_status() {
        let page = failure(&answer(502, "<html>Bad Gateway</html>"), JOBS);
        assert_eq!((page.status, page.code, page.reason.as_str()), (Some(502), None, "HTTP 502"));
        let login = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret.\r\nTrace ID: 1"}"#;
        let error = ArmError::parse(login.as_bytes());
        assert_eq!(error.code.as_deref(), Some("invalid_client"));
        assert!(error.message.unwrap().starts_with("AADSTS7000215"));
    }
}
