//! The steps that are tried.

use proptest::prelude::{Just, Strategy};
use proptest::prop_oneof;

use crate::grant::CodeRecord;
use crate::store::{FoundAccessToken, FoundRefreshToken, GrantSummary, Insertion, Redemption, Reuse, Rotation};

/// How many grants, users and clients there are, and keys of each kind under a grant: few, so that steps meet.
pub(super) const GRANTS: usize = 3;
pub(super) const NAMES: usize = 2;
pub(super) const KEYS: usize = 3;
pub(super) const CODES: usize = 2;

/// One call of a store; numbers say which of the world's grants, keys and names.
#[derive(Clone, Debug)]
pub(in crate::testkit) enum Step {
    InsertGrant { grant: usize, lasts: Lasts },
    InsertCode { grant: usize, code: usize, lasts: Lasts },
    FindCode { grant: usize, code: usize },
    Redeem { grant: usize, code: usize, keep: Option<Lasts> },
    CountFailure { grant: usize, code: usize },
    Exchange { grant: usize, code: usize, tokens: Tokens },
    InsertTokens { grant: usize, tokens: Tokens },
    FindAccess { grant: usize, access: usize },
    FindRefresh { grant: usize, refresh: usize },
    Rotate { grant: usize, refresh: usize, tokens: Tokens, nonce: u8 },
    Reuse { grant: usize, refresh: usize, lasts: Option<Lasts>, tokens: Tokens },
    RevokeAccess { grant: usize, access: usize },
    RevokeGrant { grant: usize, at: u8 },
    RevokeSubject { name: usize, at: u8 },
    RevokeClient { name: usize, at: u8 },
    RevokeTenant { name: usize, at: u8 },
    Touch { grant: usize, at: u8 },
    List { name: usize, client: Option<usize>, after: Option<usize>, limit: u32 },
    PurgeNothing,
}

/// For how many hours something lasts.
pub(in crate::testkit) type Lasts = u8;

/// Which tokens are issued, and for how long.
#[derive(Clone, Debug)]
pub(in crate::testkit) struct Tokens {
    pub(super) access: usize,
    pub(super) refresh: Option<usize>,
    pub(super) access_lasts: Option<Lasts>,
    pub(super) refresh_lasts: Option<Lasts>,
}

/// What a store answered.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::testkit) enum Answer {
    Insertion(Insertion),
    Code(Option<CodeRecord>),
    Redemption(Redemption),
    Access(Option<FoundAccessToken>),
    Refresh(Option<FoundRefreshToken>),
    Rotation(Rotation),
    Reuse(Reuse),
    Grants(Vec<GrantSummary>),
    Count(u64),
    Done,
    Failed,
}

/// Any step.
pub(super) fn any() -> impl Strategy<Value = Step> {
    let grant = || 0..GRANTS;
    let key = || 0..KEYS;
    let code = || 0..CODES;
    let name = || 0..NAMES;
    let at = || 0..50_u8;
    let lasts = || 1..20_u8;
    let maybe = || proptest::option::weighted(0.9, 1..20_u8);
    let tokens = move || {
        let parts = (key(), proptest::option::weighted(0.8, key()), maybe(), maybe());
        parts.prop_map(|(access, refresh, access_lasts, refresh_lasts)| Tokens {
            access,
            refresh,
            access_lasts,
            refresh_lasts,
        })
    };
    let with_refresh =
        move || (tokens(), key()).prop_map(|(tokens, refresh)| Tokens { refresh: Some(refresh), ..tokens });
    let page = (proptest::option::of(grant()), 1..4_u32);
    prop_oneof![
        1 => (grant(), lasts()).prop_map(|(grant, lasts)| Step::InsertGrant { grant, lasts }),
        4 => (grant(), code(), lasts()).prop_map(|(grant, code, lasts)| Step::InsertCode { grant, code, lasts }),
        1 => (grant(), code()).prop_map(|(grant, code)| Step::FindCode { grant, code }),
        3 => (grant(), code(), proptest::option::of(lasts())).prop_map(|(grant, code, keep)| Step::Redeem { grant, code, keep }),
        1 => (grant(), code()).prop_map(|(grant, code)| Step::CountFailure { grant, code }),
        5 => (grant(), code(), tokens()).prop_map(|(grant, code, tokens)| Step::Exchange { grant, code, tokens }),
        5 => (grant(), tokens()).prop_map(|(grant, tokens)| Step::InsertTokens { grant, tokens }),
        1 => (grant(), key()).prop_map(|(grant, access)| Step::FindAccess { grant, access }),
        1 => (grant(), key()).prop_map(|(grant, refresh)| Step::FindRefresh { grant, refresh }),
        8 => (grant(), key(), with_refresh(), 1..=u8::MAX)
            .prop_map(|(grant, refresh, tokens, nonce)| Step::Rotate { grant, refresh, tokens, nonce }),
        3 => (grant(), key(), maybe(), tokens())
            .prop_map(|(grant, refresh, lasts, tokens)| Step::Reuse { grant, refresh, lasts, tokens }),
        2 => (grant(), key()).prop_map(|(grant, access)| Step::RevokeAccess { grant, access }),
        1 => (grant(), at()).prop_map(|(grant, at)| Step::RevokeGrant { grant, at }),
        1 => (name(), at()).prop_map(|(name, at)| Step::RevokeSubject { name, at }),
        1 => (name(), at()).prop_map(|(name, at)| Step::RevokeClient { name, at }),
        1 => (name(), at()).prop_map(|(name, at)| Step::RevokeTenant { name, at }),
        1 => (grant(), at()).prop_map(|(grant, at)| Step::Touch { grant, at }),
        2 => (name(), proptest::option::of(name()), page)
            .prop_map(|(name, client, (after, limit))| Step::List { name, client, after, limit }),
        1 => Just(Step::PurgeNothing),
    ]
}

impl Step {
    /// The grant that the step is about, if it is about one.
    pub(super) const fn grant(&self) -> usize {
        match self {
            Self::InsertGrant { grant, .. }
            | Self::InsertCode { grant, .. }
            | Self::FindCode { grant, .. }
            | Self::Redeem { grant, .. }
            | Self::CountFailure { grant, .. }
            | Self::Exchange { grant, .. }
            | Self::InsertTokens { grant, .. }
            | Self::FindAccess { grant, .. }
            | Self::FindRefresh { grant, .. }
            | Self::Rotate { grant, .. }
            | Self::Reuse { grant, .. }
            | Self::RevokeAccess { grant, .. }
            | Self::RevokeGrant { grant, .. }
            | Self::Touch { grant, .. } => *grant,
            Self::RevokeSubject { .. }
            | Self::RevokeClient { .. }
            | Self::RevokeTenant { .. }
            | Self::List { .. }
            | Self::PurgeNothing => 0,
        }
    }

    /// The answer where there is no such grant.
    pub(super) const fn of_no_grant(&self) -> Answer {
        match self {
            Self::FindCode { .. } => Answer::Code(None),
            Self::Redeem { .. } | Self::Exchange { .. } => Answer::Redemption(Redemption::Unknown),
            Self::FindAccess { .. } => Answer::Access(None),
            Self::FindRefresh { .. } => Answer::Refresh(None),
            Self::Rotate { .. } => Answer::Rotation(Rotation::Unknown),
            Self::Reuse { .. } => Answer::Reuse(Reuse::Unknown),
            _ => Answer::Done,
        }
    }
}
