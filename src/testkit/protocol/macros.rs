//! How rows become tests.

/// Makes one test of each row of the protocol suite.
///
/// It takes a future that makes the [`Suite`](crate::testkit::protocol::Suite) at the target, or whatever borrows it,
/// such as an `Arc`; the future is made anew for every row. Rows about a [`Feature`](crate::testkit::protocol::Feature)
/// that the target says to do without pass.
///
/// Attributes before it go to every test. Without any, each is a plain `#[test]` that needs no runtime. With some, one
/// of them must make a test of an `async fn`, such as `#[tokio::test]`.
///
/// ```
/// mod in_process {
///     use grantor::testkit::TestServer;
///
///     grantor::protocol_tests! { suite: async { TestServer::new().protocol_suite().await } }
/// }
/// ```
#[macro_export]
macro_rules! protocol_tests {
    ($(#[$attribute:meta])* suite: $suite:expr $(,)?) => {
        $crate::__protocol_rows_http_requests! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_http_parameters! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_http_answers! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_authorization! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_error_page! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_redirect_uri_comparison! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_redirect_uri_destination! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_authorization_error! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_scope! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_response! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_consent! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_pkce! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_token_endpoint! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_client_authentication! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_basic_authentication! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_code_exchange! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_refresh! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_refresh_rotation! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_refresh_grace! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_client_credentials! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_token_response! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_issuer! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_security_practice! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_native! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_resource_server! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_metadata_server_place! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_metadata_server_members! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_metadata_resource! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_registration_request! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_registration_policy! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_registration_redirect_uris! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_registration_members! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_registration_management! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_revocation! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_introspection! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_resource_indicators! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_mcp_discovery! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_mcp_flow! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_mcp_registration! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_cors! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_pages! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_decisions! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_front_channel_attacks_requests! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_front_channel_attacks_redirect_uris! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_front_channel_attacks_decisions! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_front_channel_attacks_pages! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_code_attacks! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_refresh_attacks! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_token_attacks! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_registration_attacks! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_client_attacks! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_request_attacks! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_surroundings! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_real_clients_strict_libraries! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_real_clients_mcp_sdks! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_real_clients_libraries! { [$(#[$attribute])*] [$suite] }
        $crate::__protocol_rows_real_clients_mcp_applications! { [$(#[$attribute])*] [$suite] }
    };
}

/// One test.
#[doc(hidden)]
#[macro_export]
macro_rules! __protocol_row {
    ([] [$suite:expr] $row:ident) => {
        #[test]
        fn $row() {
            $crate::testkit::block_on(async {
                let suite = $suite.await;
                $crate::testkit::protocol::Suite::check_named(&suite, stringify!($row)).await;
            });
        }
    };
    ([$($attribute:tt)+] [$suite:expr] $row:ident) => {
        $($attribute)+
        async fn $row() {
            let suite = $suite.await;
            $crate::testkit::protocol::Suite::check_named(&suite, stringify!($row)).await;
        }
    };
}
