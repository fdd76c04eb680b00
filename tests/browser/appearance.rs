//! How the pages look: on a phone and on a desktop, light and dark.

use serde_json::{Value, json};

use super::driver::browse;
use super::other_site::OtherSite;
use super::tab::Tab;

/// How far the page is wider than the window.
const OVERFLOW: &str = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";

/// Texts whose contrast with what is behind them is too low to be read (WCAG 2.2, 1.4.3).
const FAINT: &str = r"
    const parse = colour => colour.match(/[\d.]+/g).map(Number);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const style = getComputedStyle(element);
            if (style.backgroundImage !== 'none') return null;
            const colour = parse(style.backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
            if (colour[3] > 0) return null;
        }
        return [255, 255, 255];
    };
    const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const faint = [];
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        const style = getComputedStyle(element);
        if (!own || style.visibility === 'hidden' || element.closest('[aria-hidden=true]') || !element.getClientRects().length) continue;
        const text = parse(style.color), ground = behind(element);
        if (!ground || style.color.includes('color(') || text[3] < 1) continue;
        const [light, dark] = [luminance(text), luminance(ground)].sort((a, b) => b - a);
        const large = parseFloat(style.fontSize) >= 24;
        if ((light + 0.05) / (dark + 0.05) < (large ? 3 : 4.5)) faint.push(element.textContent.trim().slice(0, 40));
    }
    return faint";

/// Goes through every page as a visitor and as Ada; on each, every script has to give what is expected of it.
async fn look_everywhere(tab: &Tab, expected: &[(&str, Value)]) {
    let look = async |page: &str| {
        for (script, value) in expected {
            assert_eq!(tab.measure(script).await, *value, "{page}: {script}");
        }
    };
    for path in ["/", "/signin", "/demo", "/no/such/page"] {
        tab.open(path).await;
        look(path).await;
    }
    let name = "An App With a Name That Is Longer Than Any Reasonable Line On Anybody's Telephone";
    let site = OtherSite::open(&tab.example, name).await;
    tab.open(&site.request()).await;
    tab.sign_in("ada", "correct horse").await;
    tab.see("would like to use your Snip account").await;
    look("consent").await;
    tab.press("Approve").await;
    tab.see("Back at the app").await;
    tab.open("/tokens").await;
    tab.find("input[name=name]").await.send_keys(name).await.unwrap();
    tab.toggle("links:read").await;
    tab.press("Issue token").await;
    tab.see("Copy it now.").await;
    look("a new token").await;
    tab.open("/developers").await;
    tab.find("input[name=name]").await.send_keys(name).await.unwrap();
    tab.find("textarea[name=redirect_uris]").await.send_keys("https://app.example/a/long/way/to/it").await.unwrap();
    tab.find("input[type=radio][value=confidential]").await.click().await.unwrap();
    tab.press("Register").await;
    tab.see("Copy it now.").await;
    look("a new app").await;
    tab.press("Back to your apps").await;
    tab.press("Manage").await;
    tab.press("Rotate").await;
    tab.see("works for 24 hours more").await;
    look("a new secret").await;
    tab.press("Back to the app").await;
    tab.find("summary").await.click().await.unwrap();
    tab.see("Reset it now").await;
    look("an app").await;
    for path in ["/", "/connected", "/tokens", "/developers", "/demo"] {
        tab.open(path).await;
        look(path).await;
    }
    tab.press("Connect with Snip").await;
    tab.press("Approve").await;
    tab.see("Connected.").await;
    look("connected demo").await;
}

#[tokio::test]
async fn no_page_is_wider_than_a_small_phone() {
    let small = json!({ "mobileEmulation": { "deviceMetrics": { "width": 320, "height": 640, "pixelRatio": 2.0 } } });
    browse(small, async |tab: Tab| {
        look_everywhere(&tab, &[("return innerWidth", json!(320)), (OVERFLOW, json!(0))]).await;
    })
    .await;
}

async fn expect_readable(settings: Value, scheme: &str) {
    let scheme = format!("return matchMedia('(prefers-color-scheme: {scheme})').matches");
    browse(settings, async move |tab: Tab| {
        look_everywhere(&tab, &[(&scheme, json!(true)), (FAINT, json!([])), (OVERFLOW, json!(0))]).await;
    })
    .await;
}

#[tokio::test]
async fn every_text_can_be_read_by_daylight() {
    expect_readable(json!({}), "light").await;
}

#[tokio::test]
async fn every_text_can_be_read_in_the_dark() {
    let dark = json!({ "prefs": { "ash.dark_mode.enabled": true, "browser.theme.color_scheme": 2 } });
    expect_readable(dark, "dark").await;
}
