//! Records to values, and back. The scripts say where in a value they look for what.

use std::sync::Arc;

use super::bytes::{Reader, Writer, unreadable};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use crate::identifier::Extra;
use crate::pkce::CodeChallenge;
use crate::resource::{ResourceIndicator, Resources};
use crate::scope::Scope;
use crate::secret::{GrantId, TokenHash, TokenKey};
use crate::store::GrantSummary;

/// How grants are written; another number if that changes.
const LAYOUT: u8 = 1;

/// The same, with a name behind the tenant. Older releases cannot read it, so it is used only where there is a name.
const NAMED_LAYOUT: u8 = 2;

/// The earliest instant, which no expiry comes before.
pub(super) const EARLIEST: Timestamp = Timestamp::from_unix_millis(i64::MIN);

/// For how long something is needed: the last expiry of what expires, and whether there is something that never does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lasting {
    pub(super) never: bool,
    pub(super) last: Timestamp,
}

impl Lasting {
    pub(super) fn until(expires_at: impl IntoIterator<Item = Option<Timestamp>>) -> Self {
        expires_at.into_iter().fold(Self { never: false, last: EARLIEST }, |lasting, at| Self {
            never: lasting.never || at.is_none(),
            last: lasting.last.max(at.unwrap_or(EARLIEST)),
        })
    }

    pub(super) fn of(tokens: &IssuedTokens) -> Self {
        let refresh = tokens.refresh.as_ref().map(|refresh| refresh.expires_at);
        Self::until([tokens.access.expires_at].into_iter().chain(refresh))
    }

    pub(super) fn expires_at(self) -> Option<Timestamp> {
        if self.never { None } else { Some(self.last) }
    }

    pub(super) fn value(self) -> Vec<u8> {
        Writer::default().flag(self.never).instant(self.last).finish()
    }
}

/// A grant as it was read.
pub(super) struct StoredGrant {
    pub(super) summary: GrantSummary,
    pub(super) lasting: Lasting,
}

pub(super) fn grant_value(grant: &Grant, lasting: Lasting, listed_until: Timestamp) -> Result<Vec<u8>, StoreError> {
    let extra = if grant.extra.is_empty() {
        Vec::new()
    } else {
        serde_json::to_vec(&grant.extra).map_err(StoreError::failed)?
    };
    let (layout, name) = match &grant.name {
        Some(name) => (NAMED_LAYOUT, Writer::default().text(name.as_str()).finish()),
        None => (LAYOUT, Vec::new()),
    };
    Ok(Writer::default()
        .bytes(&[layout])
        .bytes(&lasting.value())
        .optional_instant(None)
        .optional_instant(None)
        .instant(listed_until)
        .bytes(&allowance_value(&grant.scope, &grant.resource))
        .instant(grant.created_at)
        .optional_text(grant.client.as_ref().map(|client| client.as_str()))
        .optional_text(grant.subject.as_ref().map(|subject| subject.as_str()))
        .optional_text(grant.tenant.as_ref().map(|tenant| tenant.as_str()))
        .bytes(&name)
        .bytes(&extra)
        .finish())
}

pub(super) fn grant(value: &[u8], id: GrantId) -> Result<StoredGrant, StoreError> {
    let mut reader = Reader::new(value);
    let [layout] = reader.array()?;
    if layout != LAYOUT && layout != NAMED_LAYOUT {
        return Err(unreadable("it was written by a newer release"));
    }
    let lasting = Lasting { never: reader.flag()?, last: reader.instant()? };
    let last_used_at = reader.optional_instant()?;
    let revoked_at = reader.optional_instant()?;
    let _listed_until = reader.instant()?;
    let (scope, resource) = allowance(&mut reader)?;
    let created_at = reader.instant()?;
    let client = reader.optional_text()?.map(str::parse).transpose().map_err(StoreError::failed)?;
    let subject = reader.optional_text()?.map(str::parse).transpose().map_err(StoreError::failed)?;
    let tenant = reader.optional_text()?.map(str::parse).transpose().map_err(StoreError::failed)?;
    let name = match layout {
        NAMED_LAYOUT => Some(reader.text()?.parse().map_err(StoreError::failed)?),
        _ => None,
    };
    let extra = if reader.is_at_end() {
        Extra::default()
    } else {
        serde_json::from_slice(reader.rest()).map_err(StoreError::failed)?
    };
    let grant = Arc::new(Grant { id, client, subject, scope, resource, tenant, name, extra, created_at });
    let summary = GrantSummary { grant, expires_at: lasting.expires_at(), last_used_at, revoked_at };
    Ok(StoredGrant { summary, lasting })
}

/// The grant, unless it is revoked.
pub(super) fn live_grant(value: &[u8], id: GrantId) -> Result<Option<Arc<Grant>>, StoreError> {
    let GrantSummary { grant, revoked_at, .. } = grant(value, id)?.summary;
    Ok(revoked_at.is_none().then_some(grant))
}

pub(super) fn code_value(code: &CodeRecord) -> Vec<u8> {
    Writer::default()
        .bytes(code.key.hash.as_bytes())
        .optional_instant(code.redeemed_at)
        .bytes(&code.failures.to_be_bytes())
        .instant(code.expires_at)
        .flag(code.redirect_uri_source == RedirectUriSource::Requested)
        .text(&code.redirect_uri)
        .bytes(code.challenge.as_ref().map_or(&[], |challenge| challenge.as_bytes().as_slice()))
        .finish()
}

/// The code, if it is the one with this key.
pub(super) fn code(value: &[u8], key: TokenKey, grant: Arc<Grant>) -> Result<Option<CodeRecord>, StoreError> {
    let mut reader = Reader::new(value);
    if TokenHash::from_bytes(reader.array()?) != key.hash {
        return Ok(None);
    }
    Ok(Some(CodeRecord {
        key,
        grant,
        redeemed_at: reader.optional_instant()?,
        failures: u32::from_be_bytes(reader.array()?),
        expires_at: reader.instant()?,
        redirect_uri_source: if reader.flag()? { RedirectUriSource::Requested } else { RedirectUriSource::Registered },
        redirect_uri: reader.text()?.into(),
        challenge: if reader.is_at_end() { None } else { Some(CodeChallenge::from_bytes(reader.array()?)) },
    }))
}

/// An access token without its allowance, which the script leaves out if it is the grant's.
pub(super) fn access_value(token: &AccessTokenRecord) -> Vec<u8> {
    Writer::default().expiry(token.expires_at).instant(token.issued_at).finish()
}

pub(super) fn access_token(value: &[u8], key: TokenKey, grant: &Grant) -> Result<AccessTokenRecord, StoreError> {
    let mut reader = Reader::new(value);
    let (expires_at, issued_at) = (reader.expiry()?, reader.instant()?);
    let (scope, resource) = allowance_or(&mut reader, grant)?;
    Ok(AccessTokenRecord { key, scope, resource, issued_at, expires_at })
}

pub(super) fn refresh_value(token: &RefreshTokenRecord) -> Vec<u8> {
    let (retired, retirement) = match &token.state {
        RefreshTokenState::Active => (false, Vec::new()),
        RefreshTokenState::Retired(retirement) => {
            let allowance = allowance_value(&retirement.scope, &retirement.resource);
            (true, [retirement_value(retirement), allowance].concat())
        }
    };
    Writer::default().flag(retired).expiry(token.expires_at).instant(token.issued_at).bytes(&retirement).finish()
}

pub(super) fn refresh_token(value: &[u8], key: TokenKey, grant: &Grant) -> Result<RefreshTokenRecord, StoreError> {
    let mut reader = Reader::new(value);
    let retired = reader.flag()?;
    let (expires_at, issued_at) = (reader.expiry()?, reader.instant()?);
    let state =
        if retired { RefreshTokenState::Retired(retirement(&mut reader, grant)?.0) } else { RefreshTokenState::Active };
    Ok(RefreshTokenRecord { key, issued_at, expires_at, state })
}

/// A retirement without its allowance, which the script leaves out if it is the grant's.
pub(super) fn retirement_value(retirement: &Retirement) -> Vec<u8> {
    Writer::default()
        .instant(retirement.at)
        .bytes(&retirement.nonce)
        .bytes(retirement.successor.as_bytes())
        .expiry(retirement.access_expires_at)
        .bytes(&0_u32.to_be_bytes())
        .finish()
}

/// How a token was retired, and how many retries were counted since.
pub(super) fn retired(value: &[u8], grant: &Grant) -> Result<(Retirement, u32), StoreError> {
    let mut reader = Reader::new(value);
    if !reader.flag()? {
        return Err(unreadable("a retired token is active"));
    }
    reader.expiry()?;
    reader.instant()?;
    retirement(&mut reader, grant)
}

fn retirement(reader: &mut Reader<'_>, grant: &Grant) -> Result<(Retirement, u32), StoreError> {
    let at = reader.instant()?;
    let nonce = reader.array()?;
    let successor = TokenHash::from_bytes(reader.array()?);
    let access_expires_at = reader.expiry()?;
    let retries = u32::from_be_bytes(reader.array()?);
    let (scope, resource) = allowance_or(reader, grant)?;
    Ok((Retirement { at, nonce, successor, scope, resource, access_expires_at }, retries))
}

/// Scope and resources. Where one value ends can be told from itself, so that none begins with another.
pub(super) fn allowance_value(scope: &Scope, resource: &Resources) -> Vec<u8> {
    let writer = Writer::default().text(scope.as_str()).number(resource.iter().count());
    resource.iter().fold(writer, |writer, resource| writer.text(resource.as_str())).finish()
}

fn allowance(reader: &mut Reader<'_>) -> Result<(Scope, Resources), StoreError> {
    let scope = reader.text()?.parse().map_err(StoreError::failed)?;
    let count = reader.number()?;
    let resource = (0..count).map(|_| ResourceIndicator::parse(reader.text()?).map_err(StoreError::failed));
    Ok((scope, resource.collect::<Result<_, _>>()?))
}

fn allowance_or(reader: &mut Reader<'_>, grant: &Grant) -> Result<(Scope, Resources), StoreError> {
    if reader.is_at_end() { Ok((grant.scope.clone(), grant.resource.clone())) } else { allowance(reader) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_millis(second * 1000)
    }

    fn stored(grant: &Grant) -> Vec<u8> {
        grant_value(grant, Lasting::until([Some(at(60))]), at(90)).unwrap()
    }

    fn grant_without_name() -> Grant {
        let extra = serde_json::json!({ "plan": "bulk" });
        Grant {
            id: GrantId::random(),
            client: None,
            subject: Some("ada".parse().unwrap()),
            scope: "read".parse().unwrap(),
            resource: Resources::default(),
            tenant: Some("acme".parse().unwrap()),
            name: None,
            extra: serde_json::from_value(extra).unwrap(),
            created_at: at(0),
        }
    }

    /// As the release before names wrote it, byte by byte.
    #[test]
    fn a_grant_of_before_there_were_names_is_read_and_still_written_so() {
        let grant = grant_without_name();
        let zero = [1 << 7, 0, 0, 0, 0, 0, 0, 0];
        let (last, listed) = (0x8000_0000_0000_EA60_u64.to_be_bytes(), 0x8000_0000_0001_5F90_u64.to_be_bytes());
        let older = [
            &[1, 0][..],
            &last,
            &[0; 9],
            &[0; 9],
            &listed,
            b"\x04read\x00",
            &zero,
            b"\x00\x04ada\x05acme{\"plan\":\"bulk\"}",
        ]
        .concat();
        assert_eq!(*super::grant(&older, grant.id).unwrap().summary.grant, grant);
        assert_eq!(stored(&grant), older);
    }

    #[test]
    fn a_name_that_looks_like_what_the_host_keeps_is_told_from_it() {
        for name in ["{", "{}", "Backup script"] {
            for extra in [grant_without_name().extra, Extra::default()] {
                let grant = Grant { name: Some(name.parse().unwrap()), extra, ..grant_without_name() };
                assert_eq!(*super::grant(&stored(&grant), grant.id).unwrap().summary.grant, grant);
            }
        }
        let newest = [&[3], stored(&grant_without_name()).get(1..).unwrap()].concat();
        assert!(grant(&newest, GrantId::random()).is_err());
    }
}
