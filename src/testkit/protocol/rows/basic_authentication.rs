//! How a client's identifier and secret are read from HTTP Basic (RFC 6749 §2.3.1, RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use http::header::WWW_AUTHENTICATE;

use super::client_authentication::is_authenticated;
use crate::testkit::Form;
use crate::testkit::protocol::{Failure, KnownClient, Reply, Run, authorization, basic};

/// A request to the token endpoint that says about the client, and else that there is no such token.
async fn ask(run: &Run<'_>, header: &str) -> Result<Reply, Failure> {
    let form = Form::of([("grant_type", "refresh_token"), ("refresh_token", "x")]);
    run.token_with(&form, authorization(header)?).await
}

/// Whether a client is authenticated by this text before the base64.
async fn accepts(run: &Run<'_>, credentials: impl AsRef<[u8]>) -> Result<bool, Failure> {
    is_authenticated(&ask(run, &format!("Basic {}", STANDARD.encode(credentials))).await?)
}

/// Every byte as an escape, whether it needs one or not.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Escapes of what must be escaped, and a space as `%20`.
fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn secret(client: &KnownClient) -> &str {
    client.secret.as_deref().unwrap_or_default()
}

/// The header of a client, without the name of the scheme.
fn credentials(client: &KnownClient) -> String {
    let headers = basic(client);
    let value = headers.values().next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.trim_start_matches("Basic ").to_owned()
}

rows! {
    $ __protocol_rows_basic_authentication;

    /// User name and password of Basic are form-decoded, each after the text was split at its first colon: `+` is a
    /// space, and every escape counts, even of a character that needs none.
    ["CAUTH-003", Must, "RFC 6749 §2.3.1, appendix B"]
    async fn cauth_003_basic_credentials_are_form_decoded(run) {
        let (web, encoded) = (&run.profile().web, &run.profile().encoded);
        for client in [web, encoded] {
            let form_encoded = ask(run, &format!("Basic {}", credentials(client))).await?;
            ensure!(is_authenticated(&form_encoded)?, "{} is not authenticated", client.id);
            let all = format!("{}:{}", escaped(&client.id), escaped(secret(client)));
            ensure!(accepts(run, &all).await?, "not every escape is decoded: {all}");
            let lower = all.to_ascii_lowercase();
            ensure!(accepts(run, &lower).await?, "escapes in lower case are not decoded: {lower}");
            ensure!(!accepts(run, format!("{all}%20")).await?, "a space at the end of the secret is lost");
            let twice = format!("{}:{}", escaped(&escaped(&client.id)), escaped(&escaped(secret(client))));
            ensure!(!accepts(run, &twice).await?, "escapes are decoded twice: {twice}");
        }
    }

    /// A secret that was not encoded is understood too, if what it is when decoded is wrong; many clients do not
    /// encode.
    ["CAUTH-004", Should, "practice"]
    async fn cauth_004_credentials_that_were_not_encoded_are_understood(run) {
        for client in [&run.profile().encoded, &run.profile().ambiguous] {
            let (id, secret) = (client.id.as_str(), secret(client));
            for right in [
                format!("{id}:{secret}"),
                format!("{}:{}", percent_encoded(id), percent_encoded(secret)),
                format!("{}:{}", escaped(id), escaped(secret)),
            ] {
                ensure!(accepts(run, &right).await?, "{right:?} is not understood");
            }
            // Neither reading makes a wrong secret right.
            for wrong in [
                format!("{id}:{}", secret.replace('+', " ")),
                format!("{id}:{}x", secret),
                format!("{id}:{}", secret.split(':').next().unwrap_or_default()),
                format!("{id}:"),
                format!("{id}:{}", escaped(&escaped(secret))),
            ] {
                ensure!(!accepts(run, &wrong).await?, "{wrong:?} is accepted");
            }
        }
        let ambiguous = &run.profile().ambiguous;
        let spaces_as_plus = secret(ambiguous).replace(' ', "+");
        ensure!(!accepts(run, format!("{}:{spaces_as_plus}", ambiguous.id)).await?, "half an encoding is accepted");
    }

    /// Escapes that cannot be decoded stand for themselves or are wrong; they break nothing.
    ["CAUTH-005", Should, "practice"]
    async fn cauth_005_an_escape_that_cannot_be_decoded_breaks_nothing(run) {
        let (web, ambiguous) = (&run.profile().web, &run.profile().ambiguous);
        let raw = format!("{}:{}", ambiguous.id, secret(ambiguous));
        ensure!(raw.contains("%ss"), "the secret has no escape that cannot be decoded");
        ensure!(accepts(run, &raw).await?, "{raw:?} is not understood");
        for id in [&web.id, &ambiguous.id] {
            for wrong in ["100%", "%", "%%", "%4", "%zz", "%C3", "%FF%FE", "%00", "%u0041"] {
                let wrong = format!("{id}:{wrong}");
                ensure!(!accepts(run, &wrong).await?, "{wrong:?} is accepted");
            }
        }
        for id in ["%", "%zz", "%C3", &format!("{}%", web.id)] {
            ensure!(!accepts(run, format!("{id}:{}", secret(web))).await?, "{id:?} is taken for a client");
        }
    }

    /// The name of the scheme has no case, and one space or more follow it.
    ["CAUTH-006", Must, "RFC 9110 §11.1, §11.4"]
    async fn cauth_006_the_scheme_has_no_case(run) {
        let web = &run.profile().web;
        let wrong = KnownClient { secret: Some("wrong".to_owned()), ..web.clone() };
        for scheme in ["Basic ", "basic ", "BASIC ", "bAsIc ", "Basic  ", "Basic    "] {
            let right = ask(run, &format!("{scheme}{}", credentials(web))).await?;
            ensure!(is_authenticated(&right)?, "{scheme:?} is not accepted");
            let wrong = ask(run, &format!("{scheme}{}", credentials(&wrong))).await?;
            ensure!(!is_authenticated(&wrong)?, "after {scheme:?} a wrong secret is accepted");
        }
    }

    /// Credentials that cannot be decoded fail cleanly: no base64, no colon, no UTF-8.
    ["CAUTH-007", Must, "RFC 6749 §5.2; RFC 7617 §2"]
    async fn cauth_007_what_cannot_be_decoded_is_refused(run) {
        let id = &run.profile().web.id;
        let right = ask(run, &format!("Basic {}", credentials(&run.profile().web))).await?;
        ensure!(is_authenticated(&right)?, "the right credentials are refused");
        let not_utf_8 = STANDARD.encode([id.as_bytes(), b":\xFF\xFE"].concat());
        let no_colon = STANDARD.encode(id);
        let nul = STANDARD.encode(format!("{id}\0:x"));
        let url_safe = URL_SAFE.encode(format!("{id}:>>>???>>>???"));
        for credentials in ["!!!", "Zm9v", "=", "====", "Zm9vOg=x", "Zm9v Zm9v", &not_utf_8, &no_colon, &nul, &url_safe]
        {
            let answer = ask(run, &format!("Basic {credentials}")).await?;
            answer.expect_one_of(&[(401, "invalid_client"), (400, "invalid_request")])?;
            let challenge = answer.header(&WWW_AUTHENTICATE).unwrap_or_default().to_ascii_lowercase();
            ensure!(answer.status() != 401 || challenge.starts_with("basic"), "the challenge is {challenge:?}");
        }
        for header in ["Basic", "Basic "] {
            ask(run, header).await?.expect_one_of(&[(401, "invalid_client"), (400, "invalid_request")])?;
        }
    }
}
