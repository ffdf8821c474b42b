//! What an id token says, once its signature is known to be the provider's: whether it is
//! meant for us, for this login and for now, and who came. Sources: OpenID Connect Core 1.0,
//! 3.1.3.7 ("ID Token Validation"); RFC 7519, 4.1.

use serde_json::{Map, Value};

use crate::media::ticks::EpochMillis;

/// Clocks may differ by this much, in seconds.
const SKEW: f64 = 60.0;
/// A token is made for the login that asked for it: an older one comes from elsewhere.
const OLDEST: f64 = 600.0;
/// Groups of a person at the most.
const MAX_GROUPS: usize = 2_000;
/// Characters of a name or id at the most (OpenID Connect Core 1.0, 2: `sub` has 255).
const MAX_CHARS: usize = 255;

/// What a token must say, and where it says who came.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The provider, to the letter.
    pub issuer: &'a str,
    /// What we are to the provider.
    pub client: &'a str,
    /// What this login asked for.
    pub nonce: &'a str,
    /// The claim that holds the name by which a person answers calls.
    pub name_claim: &'a str,
    /// The claim that holds the groups; with dots, a path into claims.
    pub groups_claim: &'a str,
}

/// Who came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The provider's own name for them, for good.
    pub subject: String,
    /// The name by which they answer calls, if the token has it.
    pub name: Option<String>,
    /// Their groups.
    pub groups: Vec<String>,
    /// The token has a name that does not count, since the provider has not verified it.
    pub name_unverified: bool,
    /// The provider left groups out, since they are too many for a token.
    pub groups_left_out: bool,
}

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another provider made it.
    #[error("its issuer is not the provider that the login went to")]
    Issuer,
    /// It is meant for somebody else.
    #[error("its audience is not this client")]
    Audience,
    /// It was made for another login.
    #[error("its nonce is not this login's")]
    Nonce,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come, or it says that it was made in the future.
    #[error("it is not valid yet: compare the clocks of both sides")]
    NotYet,
    /// It was made long before this login.
    #[error("it was made long before this login")]
    Old,
    /// It lacks what every id token has.
    #[error("it has no usable {0}")]
    Lacks(&'static str),
}

/// Looks at a token's claims.
pub fn check(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
    now: EpochMillis,
) -> Result<Person, Refused> {
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(Refused::Issuer);
    }
    check_audience(claims, expected.client)?;
    let now = now.to_seconds();
    let time = |name| claims.get(name).and_then(Value::as_f64);
    let ends = time("exp").ok_or(Refused::Lacks("exp"))?;
    let made = time("iat").ok_or(Refused::Lacks("iat"))?;
    let begins = match claims.get("nbf") {
        None => made,
        Some(_) => time("nbf").ok_or(Refused::Lacks("nbf"))?,
    };
    if now >= ends + SKEW {
        return Err(Refused::Expired);
    }
    if made > now + SKEW || begins > now + SKEW {
        return Err(Refused::NotYet);
    }
    if made < now - OLDEST {
        return Err(Refused::Old);
    }
    // An empty nonce would be one that nobody asked for.
    let nonce = claims.get("nonce").and_then(Value::as_str);
    if expected.nonce.is_empty() || nonce != Some(expected.nonce) {
        return Err(Refused::Nonce);
    }
    let subject = text(claims.get("sub")).ok_or(Refused::Lacks("sub"))?;
    Ok(Person {
        subject,
        name: name(claims, expected.name_claim),
        name_unverified: is_unverified(claims, expected.name_claim),
        groups: groups(claims, expected.groups_claim),
        groups_left_out: leaves_out(claims, expected.groups_claim),
    })
}

/// The audience holds us. Where it holds others, too, or the token names for whom it was
/// made, that is us.
fn check_audience(claims: &Map<String, Value>, client: &str) -> Result<(), Refused> {
    let alone = match claims.get("aud") {
        Some(Value::String(one)) if one == client => true,
        Some(Value::Array(many)) if many.iter().any(|one| one == client) => many.len() == 1,
        Some(_) | None => return Err(Refused::Audience),
    };
    match claims.get("azp") {
        None if alone => Ok(()),
        Some(Value::String(party)) if party == client => Ok(()),
        None | Some(_) => Err(Refused::Audience),
    }
}

/// The name by which calls are answered. An address that the provider has not verified may
/// be anybody's.
fn name(claims: &Map<String, Value>, claim: &str) -> Option<String> {
    match is_unverified(claims, claim) {
        true => None,
        false => text(at(claims, claim)),
    }
}

fn is_unverified(claims: &Map<String, Value>, claim: &str) -> bool {
    let verified = claims.get("email_verified");
    let unverified =
        verified == Some(&Value::Bool(false)) || verified.is_some_and(|it| it == "false");
    claim == "email" && unverified
}

/// The groups, in a list or one alone.
fn groups(claims: &Map<String, Value>, claim: &str) -> Vec<String> {
    match at(claims, claim) {
        Some(Value::Array(groups)) => {
            let texts = groups.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).take(MAX_GROUPS).collect()
        }
        Some(Value::String(group)) => vec![group.clone()],
        _ => Vec::new(),
    }
}

/// Entra ID gives no groups to those who have more than 200, and says so (Microsoft identity
/// platform, "Configure group claims": the groups overage claim).
fn leaves_out(claims: &Map<String, Value>, claim: &str) -> bool {
    let named = claims.get("_claim_names");
    at(claims, claim).is_none()
        && (named.is_some_and(|names| names.get(claim).is_some())
            || claims
                .get("hasgroups")
                .is_some_and(|has| *has != Value::Bool(false)))
}

/// A claim by its name, or else by a path of names with dots between.
fn at<'a>(claims: &'a Map<String, Value>, claim: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(claim) {
        return Some(value);
    }
    let mut path = claim.split('.');
    let first = claims.get(path.next()?)?;
    path.try_fold(first, |value, name| value.get(name))
}

/// A text that says something and is no longer than names are.
fn text(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?.trim();
    let is_name = !text.is_empty() && text.chars().count() <= MAX_CHARS;
    is_name.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_760_000_000;

    fn good() -> Value {
        json!({"iss": "https://idp.example", "aud": "archive", "nonce": "n", "sub": "u-1", "iat": NOW,
               "exp": NOW + 300, "email": "mia@example.com", "groups": ["sales", "agents"]})
    }

    /// A good token with some claims other, or away where they are null.
    fn checked(changes: Value) -> Result<Person, Refused> {
        let mut claims = good().as_object().unwrap().clone();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.remove(name)),
                value => drop(claims.insert(name.clone(), value.clone())),
            }
        }
        let expected = Expected {
            issuer: "https://idp.example",
            client: "archive",
            nonce: "n",
            name_claim: "email",
            groups_claim: "groups",
        };
        check(&claims, &expected, EpochMillis(NOW * 1_000))
    }

    #[test]
    fn a_good_token_names_who_came() {
        let person = checked(json!({})).unwrap();
        assert_eq!(person.subject, "u-1");
        assert_eq!(person.name.as_deref(), Some("mia@example.com"));
        assert_eq!(person.groups, ["sales", "agents"]);
        assert!(!person.groups_left_out);
    }

    #[test]
    fn what_is_not_for_us_for_this_login_and_for_now_is_refused() {
        #[track_caller]
        fn check(changes: Value, refused: Refused) {
            assert_eq!(checked(changes).unwrap_err(), refused);
        }
        for issuer in [
            json!(null),
            json!(""),
            json!(["https://idp.example"]),
            json!("https://idp.example/"),
            json!("https://evil.example"),
        ] {
            check(json!({ "iss": issuer }), Refused::Issuer);
        }
        for audience in [
            json!(null),
            json!("other"),
            json!([]),
            json!(["other"]),
            json!({"archive": 1}),
            json!(["archive", "other"]),
        ] {
            check(json!({ "aud": audience }), Refused::Audience);
        }
        check(json!({"azp": "other"}), Refused::Audience);
        check(
            json!({"aud": ["archive", "other"], "azp": "other"}),
            Refused::Audience,
        );
        for nonce in [json!(null), json!(""), json!("m"), json!(["n"])] {
            check(json!({ "nonce": nonce }), Refused::Nonce);
        }
        check(json!({"exp": NOW - 60}), Refused::Expired);
        check(json!({"exp": null}), Refused::Lacks("exp"));
        check(json!({"exp": "2099-01-01"}), Refused::Lacks("exp"));
        check(json!({"iat": null}), Refused::Lacks("iat"));
        check(json!({"iat": NOW + 61}), Refused::NotYet);
        check(json!({"nbf": NOW + 61}), Refused::NotYet);
        check(json!({"nbf": "soon"}), Refused::Lacks("nbf"));
        check(json!({"iat": NOW - 601}), Refused::Old);
        check(json!({"sub": null}), Refused::Lacks("sub"));
        check(json!({"sub": " "}), Refused::Lacks("sub"));
        check(json!({"sub": "x".repeat(256)}), Refused::Lacks("sub"));
    }

    #[test]
    fn what_is_within_the_rules_passes() {
        for changes in [
            json!({"aud": ["archive"]}),
            json!({"aud": ["other", "archive"], "azp": "archive"}),
            json!({"exp": NOW - 59}),
            json!({"exp": f64::from(1_760_000_300) + 0.5}),
            json!({"iat": NOW + 60, "nbf": NOW + 60}),
            json!({"iat": NOW - 600}),
        ] {
            assert!(checked(changes.clone()).is_ok(), "{changes}");
        }
    }

    #[test]
    fn groups_come_in_many_shapes() {
        #[track_caller]
        fn check(claim: &str, claims: Value, groups: &[&str], left_out: bool) {
            let claims = claims.as_object().unwrap();
            assert_eq!(super::groups(claims, claim), groups);
            assert_eq!(leaves_out(claims, claim), left_out);
        }
        check(
            "groups",
            json!({"groups": ["/sales", 1, "b"]}),
            &["/sales", "b"],
            false,
        );
        check("groups", json!({"groups": "sales"}), &["sales"], false);
        check("groups", json!({"groups": {"a": 1}}), &[], false);
        check("groups", json!({}), &[], false);
        check(
            "cognito:groups",
            json!({"cognito:groups": ["a"]}),
            &["a"],
            false,
        );
        check(
            "https://x.example/groups",
            json!({"https://x.example/groups": ["a"]}),
            &["a"],
            false,
        );
        check(
            "realm_access.roles",
            json!({"realm_access": {"roles": ["a"]}}),
            &["a"],
            false,
        );
        check(
            "groups",
            json!({"_claim_names": {"groups": "src1"}}),
            &[],
            true,
        );
        check("groups", json!({"hasgroups": true}), &[], true);
        check(
            "groups",
            json!({"hasgroups": true, "groups": ["a"]}),
            &["a"],
            false,
        );
    }

    #[test]
    fn an_address_that_nobody_verified_is_nobodys_name() {
        #[track_caller]
        fn check(changes: Value, name: Option<&str>) {
            let told_unverified = changes["email_verified"] == json!(false);
            let person = checked(changes).unwrap();
            assert_eq!(person.name.as_deref(), name);
            assert!(!told_unverified || person.name_unverified);
        }
        check(json!({"email_verified": true}), Some("mia@example.com"));
        check(json!({"email_verified": false}), None);
        check(json!({"email_verified": "false"}), None);
        check(json!({"email": null}), None);
        check(json!({"email": 7}), None);
    }
}
