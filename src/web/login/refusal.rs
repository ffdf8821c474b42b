//! Why nobody is logged in, and what to do about it: for whoever sees the page, who is often not
//! the one who can mend it.

use axum::http::StatusCode;

use super::cookie::CookieError;
use super::keys::NotSigned;
use crate::archive::token;

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub(in crate::web) enum NoLogin {
    #[error("too many logins in this minute")]
    TooMany,
    #[error("the way back from the provider belongs to no login that this browser began")]
    NotBegun,
    #[error("this way back from the provider was used already")]
    UsedUp,
    #[error("the login took longer than ten minutes")]
    TookTooLong,
    #[error("the way back is not from the provider that the login went to")]
    OtherProvider,
    #[error("the provider refused: {0}")]
    Refused(String),
    #[error("the provider is in trouble: {0}")]
    InTrouble(String),
    #[error("the provider does not take this archive's logins as they are set up: {0}")]
    SetUp(String),
    #[error("the provider does not take this archive for its client: {0}")]
    Client(String),
    #[error("the provider: {0}")]
    Provider(String),
    #[error("the provider did not take the code: {0}")]
    Code(String),
    #[error("the id token: {0}")]
    Signature(NotSigned),
    #[error("the id token: {0}")]
    Token(token::Refused),
    #[error("none of your groups may see calls here")]
    SeesNothing,
    #[error(
        "the provider left your groups out of the token, since they are too many: let it give only those that are assigned to this application"
    )]
    GroupsLeftOut,
    #[error(
        "your groups may see the calls of their own agents, and the provider told no name of yours (the claim {claim}){why}"
    )]
    NoName { claim: String, why: &'static str },
    #[error("{0}")]
    Cookie(#[from] CookieError),
    #[error("the login cannot be noted: {0}")]
    NotNoted(String),
}

impl NoLogin {
    /// What a provider says is wrong on the way back (RFC 6749, 4.1.2.1; OpenID Connect Core 1.0,
    /// 3.1.2.6): `said` begins with `error`.
    pub(super) fn told_on_the_way_back(error: &str, said: String) -> Self {
        match error {
            "unauthorized_client" => Self::Client(said),
            "invalid_request"
            | "invalid_scope"
            | "unsupported_response_type"
            | "request_not_supported"
            | "request_uri_not_supported"
            | "registration_not_supported" => Self::SetUp(said),
            "server_error" | "temporarily_unavailable" => Self::InTrouble(said),
            _ => Self::Refused(said),
        }
    }

    /// What a provider says is wrong with the exchange of a code (RFC 6749, 5.2).
    pub(super) fn told_of_the_code(error: &str, said: String) -> Self {
        match error {
            "invalid_client" | "unauthorized_client" => Self::Client(said),
            "invalid_request" | "invalid_scope" | "unsupported_grant_type" => Self::SetUp(said),
            _ => Self::Code(said),
        }
    }

    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::NotBegun | Self::UsedUp | Self::TookTooLong => StatusCode::BAD_REQUEST,
            Self::OtherProvider
            | Self::Refused(_)
            | Self::Code(_)
            | Self::Signature(_)
            | Self::Token(_)
            | Self::SeesNothing
            | Self::GroupsLeftOut
            | Self::NoName { .. } => StatusCode::FORBIDDEN,
            Self::Provider(_) | Self::InTrouble(_) | Self::SetUp(_) | Self::Client(_) => {
                StatusCode::BAD_GATEWAY
            }
            Self::Cookie(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotNoted(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What to do about it, for whoever sees the page.
    pub(super) const fn cure(&self) -> &'static str {
        match self {
            Self::TooMany => "Wait for a minute, and log in again.",
            Self::NotBegun => {
                "Log in again, in this tab. If it happens each time, let the browser keep cookies for this page."
            }
            Self::UsedUp | Self::TookTooLong | Self::Code(_) => "Log in again.",
            Self::OtherProvider | Self::Signature(_) | Self::Token(_) => {
                "Log in again. If it happens each time, tell those who run this archive: the log says which check failed."
            }
            Self::Refused(_) => "Ask those who run the provider whether you may use this archive.",
            Self::Provider(_) | Self::InTrouble(_) => {
                "Log in again in a while. If it happens each time, tell those who run this archive."
            }
            Self::SetUp(_) => {
                "Tell those who run this archive: what the client asks for (OIDC_SCOPES, the redirect address) and what the provider lets it ask for differ."
            }
            Self::Client(_) => {
                "Tell those who run this archive: the client’s id or its secret is wrong (OIDC_CLIENT_ID, client_secret in the function’s secret; at the desk --client-id, --client-secret), or the provider does not let the client log people in this way."
            }
            Self::SeesNothing | Self::GroupsLeftOut => {
                "Ask those who run this archive to let one of your groups see calls (ARCHIVE_RULES)."
            }
            Self::NoName { .. } => {
                "Ask those who run this archive to let the provider tell it, or to name another claim (NAME_CLAIM; at the desk --name-claim)."
            }
            Self::Cookie(_) | Self::NotNoted(_) => "Tell those who run this archive.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who reads the page is sent to the one who can mend it.
    #[test]
    fn what_a_provider_says_is_told_with_its_cure() {
        #[track_caller]
        fn check(way_back: &str, code: &str, cure: &str) {
            for (error, refused) in [
                (
                    way_back,
                    NoLogin::told_on_the_way_back(way_back, way_back.to_owned()),
                ),
                (code, NoLogin::told_of_the_code(code, code.to_owned())),
            ] {
                assert!(refused.cure().contains(cure), "{error}: {}", refused.cure());
                assert!(refused.to_string().contains(error), "{refused}");
            }
        }
        check("unauthorized_client", "invalid_client", "id or its secret");
        check("invalid_scope", "invalid_request", "OIDC_SCOPES");
        check(
            "unsupported_response_type",
            "unsupported_grant_type",
            "OIDC_SCOPES",
        );
        check("server_error", "invalid_grant", "Log in again");
        check("temporarily_unavailable", "it answered 418", "Log in again");
        let denied = NoLogin::told_on_the_way_back("access_denied", String::new());
        assert!(denied.cure().contains("whether you may use"));
    }
}
