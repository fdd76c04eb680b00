//! How rows become tests.

/// Makes one test of each row of the protocol suite.
///
/// It takes a future that makes the [`Suite`](crate::testkit::protocol::Suite) at the target, or whatever borrows it, such as an
/// `Arc`; the future is made anew for every row. Rows about a [`Feature`](crate::testkit::protocol::Feature) that the target
/// says to do without pass.
///
/// Attributes before it go to every test. Without any, each is a plain `#[test]` that needs no runtime. With some, one of them
/// must make a test of an `async fn`, such as `#[tokio::test]`.
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
        $crate::__protocol_rows_authorization! { [$(#[$attribute])*] [$suite] }
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
