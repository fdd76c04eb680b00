//! What the server is asked to do.

macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident => $name:literal,)*) => {
        /// Something that the server is asked to do: what spans are called, and what counts are grouped by.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Operation {
            $($(#[$doc])* #[doc = concat!(" (`", $name, "`)")] $operation,)*
        }

        impl Operation {
            /// Every operation there is.
            pub const ALL: &[Self] = &[$(Self::$operation,)*];

            /// What spans, logs and counters call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => $name,)*
                }
            }
        }
    };
}

operations! {
    /// [`AuthorizationServer::authorize`](crate::AuthorizationServer::authorize)
    Authorize => "authorize",
    /// [`PendingAuthorization::sign_in_required`](crate::PendingAuthorization::sign_in_required)
    SignIn => "sign_in",
    /// [`AuthorizationServer::recall`](crate::AuthorizationServer::recall)
    Recall => "recall",
    /// [`PendingAuthorization::confirm`](crate::PendingAuthorization::confirm)
    Confirm => "confirm",
    /// [`AuthorizationServer::approve`](crate::AuthorizationServer::approve)
    Approve => "approve",
    /// [`AuthorizationServer::deny`](crate::AuthorizationServer::deny)
    Deny => "deny",
    /// [`AuthorizationServer::token`](crate::AuthorizationServer::token)
    Token => "token",
    /// [`AuthorizationServer::revoke`](crate::AuthorizationServer::revoke)
    Revoke => "revoke",
    /// [`AuthorizationServer::introspect`](crate::AuthorizationServer::introspect)
    Introspect => "introspect",
    /// [`AuthorizationServer::register`](crate::AuthorizationServer::register)
    Register => "register",
    /// [`AuthorizationServer::read_registration`](crate::AuthorizationServer::read_registration)
    ReadRegistration => "read_registration",
    /// [`AuthorizationServer::replace_registration`](crate::AuthorizationServer::replace_registration)
    ReplaceRegistration => "replace_registration",
    /// [`AuthorizationServer::delete_registration`](crate::AuthorizationServer::delete_registration)
    DeleteRegistration => "delete_registration",
    /// [`AuthorizationServer::handle`](crate::AuthorizationServer::handle) with a metadata document, or a path that
    /// leads nowhere
    Metadata => "metadata",
    /// [`ResourceServer::verify`](crate::ResourceServer::verify), also as the first half of
    /// [`verify_scope`](crate::ResourceServer::verify_scope)
    Verify => "verify",
    /// [`Access::require`](crate::Access::require), also as the second half of
    /// [`verify_scope`](crate::ResourceServer::verify_scope)
    Require => "require",
    /// [`Access::require_tenant`](crate::Access::require_tenant)
    RequireTenant => "require_tenant",
    /// [`AuthorizationServer::install_client`](crate::AuthorizationServer::install_client)
    InstallClient => "install_client",
    /// [`AuthorizationServer::register_public_app`](crate::AuthorizationServer::register_public_app) and
    /// [`register_confidential_app`](crate::AuthorizationServer::register_confidential_app)
    RegisterApp => "register_app",
    /// [`AuthorizationServer::update_app`](crate::AuthorizationServer::update_app)
    UpdateApp => "update_app",
    /// [`AuthorizationServer::make_confidential`](crate::AuthorizationServer::make_confidential)
    MakeConfidential => "make_confidential",
    /// [`AuthorizationServer::make_public`](crate::AuthorizationServer::make_public)
    MakePublic => "make_public",
    /// [`AuthorizationServer::rotate_secret`](crate::AuthorizationServer::rotate_secret) and
    /// [`rotate_client_secret`](crate::AuthorizationServer::rotate_client_secret)
    RotateSecret => "rotate_secret",
    /// [`AuthorizationServer::reset_secret`](crate::AuthorizationServer::reset_secret) and
    /// [`reset_client_secret`](crate::AuthorizationServer::reset_client_secret)
    ResetSecret => "reset_secret",
    /// [`AuthorizationServer::end_previous_secret`](crate::AuthorizationServer::end_previous_secret)
    EndPreviousSecret => "end_previous_secret",
    /// [`AuthorizationServer::touch_secret`](crate::AuthorizationServer::touch_secret)
    TouchSecret => "touch_secret",
    /// [`AuthorizationServer::apps`](crate::AuthorizationServer::apps)
    Apps => "apps",
    /// [`AuthorizationServer::client`](crate::AuthorizationServer::client)
    Client => "client",
    /// [`AuthorizationServer::delete_own_client`](crate::AuthorizationServer::delete_own_client)
    DeleteOwnClient => "delete_own_client",
    /// [`AuthorizationServer::delete_client`](crate::AuthorizationServer::delete_client)
    DeleteClient => "delete_client",
    /// [`AuthorizationServer::revoke_client`](crate::AuthorizationServer::revoke_client)
    RevokeClient => "revoke_client",
    /// [`AuthorizationServer::import_grant`](crate::AuthorizationServer::import_grant)
    ImportGrant => "import_grant",
    /// [`AuthorizationServer::grants`](crate::AuthorizationServer::grants)
    Grants => "grants",
    /// [`AuthorizationServer::issue_personal_token`](crate::AuthorizationServer::issue_personal_token)
    IssuePersonalToken => "issue_personal_token",
    /// [`AuthorizationServer::reset_personal_token`](crate::AuthorizationServer::reset_personal_token)
    ResetPersonalToken => "reset_personal_token",
    /// [`AuthorizationServer::personal_tokens`](crate::AuthorizationServer::personal_tokens)
    PersonalTokens => "personal_tokens",
    /// [`AuthorizationServer::revoke_own_grant`](crate::AuthorizationServer::revoke_own_grant)
    RevokeOwnGrant => "revoke_own_grant",
    /// [`AuthorizationServer::withdraw`](crate::AuthorizationServer::withdraw)
    Withdraw => "withdraw",
    /// [`AuthorizationServer::revoke_subject`](crate::AuthorizationServer::revoke_subject)
    RevokeSubject => "revoke_subject",
    /// [`AuthorizationServer::revoke_tenant`](crate::AuthorizationServer::revoke_tenant)
    RevokeTenant => "revoke_tenant",
    /// [`AuthorizationServer::purge`](crate::AuthorizationServer::purge)
    Purge => "purge",
    /// [`AuthorizationServer::check`](crate::AuthorizationServer::check); `ok` means that it ran, whatever it found
    Check => "check",
}
