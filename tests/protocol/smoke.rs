use crate::support::Setup;

on_both_stores! {
    async fn the_whole_flow_ends_in_a_token_that_the_api_accepts(setup) {
        let tokens = setup.tokens("pub").await;
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        let refreshed = setup.token(&setup.refresh("pub", tokens.text("refresh_token"))).await.expect_ok();
        assert!(setup.is_accepted(refreshed.text("access_token")).await);
    }
}
