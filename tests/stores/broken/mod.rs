//! Stores that are broken on purpose, each in one way, and the clause that has to notice it.

/// Makes one test of each defect: `its_name: the_contract::the_clause_that_notices, the methods that have it`.
macro_rules! broken {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $contract:ident::$clause:ident,
        $(fn $method:ident($store:ident $(, $argument:ident: $kind:ty)*) -> $output:ty $body:block)+
    )+) => {
        $(
            $(#[doc = $doc])+
            #[test]
            fn $name() {
                #[derive(Debug, Default)]
                struct Defect;

                #[async_trait::async_trait]
                impl super::harness::Defect for Defect {
                    $(
                        async fn $method(
                            &self,
                            $store: &super::harness::Parts,
                            $($argument: $kind),*
                        ) -> Result<$output, grantor::error::StoreError> $body
                    )+
                }

                super::harness::assert_caught::<Defect>(async |store| {
                    grantor::testkit::contract::$contract::$clause(store).await;
                });
            }
        )+
    };
}

mod clients;
mod codes;
mod exchanges;
mod harness;
mod listings;
mod purges;
mod readable_clients;
mod revocations;
mod rotations;
mod secrets;
mod sound;
mod tenants;
mod tokens;
