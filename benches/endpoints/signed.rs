//! Signed access tokens: what issuing and checking them costs, beside the bare signature, made and checked by the same library
//! over as many bytes.
//!
//! An exchange for a signed token should cost that for an opaque one and 1.1 signatures, and a check 1.1 of those of a
//! signature.

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, VerificationAlgorithm,
};
use criterion::{BatchSize, Criterion};
use grantor::ResourceServer;
use grantor::jwt::{Algorithm, JwtVerifier, KeySet, SigningKey};
use grantor::policy::AccessTokenFormat;
use http::HeaderMap;

use crate::setup::{Setup, member, ready};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

/// Few, because each of them was signed; of them the cost does not depend on how many there are.
const LIVE: usize = 1_000;

/// A key without anything around it.
enum Bare {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Bare {
    fn generate(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
            Algorithm::Es256 => Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")),
            _ => Self::Ed25519(Ed25519KeyPair::generate().expect("a key")),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("a signature");
                signature
            }
            Self::P256(pair) => pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    fn public(&self) -> ParsedPublicKey {
        let (algorithm, bytes): (&'static dyn VerificationAlgorithm, &[u8]) = match self {
            Self::Rsa(pair) => (&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
            Self::P256(pair) => (&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
            Self::Ed25519(pair) => (&ED25519, pair.public_key().as_ref()),
        };
        ParsedPublicKey::new(algorithm, bytes).expect("a public key")
    }
}

fn signing(key: &SigningKey) -> Setup {
    let keys = KeySet::new(key.clone());
    Setup::new(LIVE, |builder| builder.access_token_format(AccessTokenFormat::Jwt).access_token_keys(keys))
}

/// What is signed of a token.
fn message(setup: &Setup) -> Vec<u8> {
    let body = setup.token(&setup.exchange_form(&setup.code()));
    let (message, _) = member(&body, "access_token").rsplit_once('.').expect("a signed token");
    message.as_bytes().to_vec()
}

pub(crate) fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exchange, signed");
    let mut bench = |name: String, setup: &Setup| {
        group.bench_function(name, |bencher| {
            let form = || setup.exchange_form(&setup.code());
            bencher.iter_batched(form, |form| black_box(setup.token(&form)), BatchSize::LargeInput);
        });
    };
    bench("opaque".to_owned(), &Setup::with_live_tokens(LIVE));
    let signing = ALGORITHMS.map(|algorithm| (algorithm, signing(&SigningKey::generate(algorithm).expect("a key"))));
    for (algorithm, setup) in &signing {
        bench(algorithm.to_string(), setup);
    }
    for (algorithm, setup) in &signing {
        let (bare, message) = (Bare::generate(*algorithm), message(setup));
        group.bench_function(format!("{algorithm}, bare signature"), |bencher| {
            bencher.iter(|| black_box(bare.sign(black_box(&message))));
        });
    }
    group.finish();
}

pub(crate) fn verify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bearer check, signed, offline");
    for algorithm in ALGORITHMS {
        let key = SigningKey::generate(algorithm).expect("a key");
        let setup = signing(&key);
        let (issuer, jwks) = (setup.server.issuer().clone(), KeySet::new(key).to_jwks());
        let resource = issuer.as_str().parse().expect("a resource");
        let server = ResourceServer::offline(JwtVerifier::from_jwks(issuer, &jwks).expect("a key"), resource);
        let mut tokens = setup.headers.iter().cycle();
        group.bench_function(algorithm.to_string(), |bencher| {
            bencher.iter_batched_ref(
                || -> HeaderMap { tokens.next().expect("a live token").clone() },
                |headers| black_box(ready(server.verify(&*headers))).expect("a live token"),
                BatchSize::SmallInput,
            );
        });
        let (bare, message) = (Bare::generate(algorithm), message(&setup));
        let (public, signature) = (bare.public(), bare.sign(&message));
        group.bench_function(format!("{algorithm}, bare verification"), |bencher| {
            bencher.iter(|| black_box(public.verify_sig(black_box(&message), &signature)).expect("a signature"));
        });
    }
    group.finish();
}
