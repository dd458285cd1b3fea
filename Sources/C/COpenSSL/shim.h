#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H
/* What Swift can't import of OpenSSL 3 (macros, casts, callbacks), as plain functions. No policy lives here. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>
#include <stdint.h>
#include <time.h>

#pragma clang assume_nonnull begin

/* ---- contexts ---- */

static inline void copenssl_set_versions(SSL_CTX *ctx, int min, int max) {
  SSL_CTX_set_min_proto_version(ctx, min);
  SSL_CTX_set_max_proto_version(ctx, max);
}
static inline int copenssl_tls1_2(void) { return TLS1_2_VERSION; }
static inline int copenssl_tls1_3(void) { return TLS1_3_VERSION; }

static inline void copenssl_set_modes(SSL_CTX *ctx) {
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 0);
}

static inline BIO *_Nullable copenssl_memory_bio(void) { return BIO_new(BIO_s_mem()); }

/* ---- names and trust ---- */

static inline int copenssl_expect_host(SSL *ssl, const char *host, int is_ip) {
  X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
  if (is_ip) return X509_VERIFY_PARAM_set1_ip_asc(param, host);
  SSL_set_tlsext_host_name(ssl, host);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return X509_VERIFY_PARAM_set1_host(param, host, 0);
}
static inline void copenssl_set_time(SSL *ssl, long long now) { X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), (time_t)now); }

static inline void copenssl_ignore_time(SSL_CTX *ctx) { X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_NO_CHECK_TIME); }

/* Takes a chain only when one of its certificates has this SHA-256 (first 16 bytes), and verifies up to that one. */
static inline int copenssl_verify_fingerprint(X509_STORE_CTX *_Nullable ctx, void *_Nullable arg) {
  const unsigned char *wanted = (const unsigned char *)arg;
  STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(ctx);
  int n = chain ? sk_X509_num(chain) : 0;
  for (int i = 0; i < n && i < 10; i++) {
    X509 *certificate = sk_X509_value(chain, i);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (!X509_digest(certificate, EVP_sha256(), digest, &length) || length < 16 || CRYPTO_memcmp(digest, wanted, 16) != 0) continue;
    STACK_OF(X509) *trusted = sk_X509_new_null();
    if (!trusted) return 0;
    sk_X509_push(trusted, certificate);
    X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
    int ok = X509_verify_cert(ctx);
    sk_X509_free(trusted);
    return ok == 1;
  }
  X509_STORE_CTX_verify_cb heard = X509_STORE_CTX_get_verify_cb(ctx);
  X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
  X509_STORE_CTX_set_current_cert(ctx, n > 0 ? sk_X509_value(chain, 0) : NULL);
  return heard ? heard(0, ctx) : 0;
}
/* `fingerprint` (16 bytes) outlives the context. */
static inline void copenssl_trust_fingerprint(SSL_CTX *ctx, unsigned char *fingerprint) {
  SSL_CTX_set_cert_verify_callback(ctx, copenssl_verify_fingerprint, fingerprint);
}

/* The certificates that a peer sent, its own first; NULL beyond them. */
static inline int copenssl_chain_count(const STACK_OF(X509) *_Nullable chain) { return chain ? sk_X509_num(chain) : 0; }
static inline X509 *_Nullable copenssl_chain_get(const STACK_OF(X509) *_Nullable chain, int i) {
  X509 *certificate = chain ? sk_X509_value(chain, i) : NULL;
  if (certificate) X509_up_ref(certificate);
  return certificate;
}

/* ---- pre-shared keys (RFC 8446, 4.2.11) ---- */

static inline SSL_SESSION *_Nullable copenssl_psk_session(SSL *ssl, const unsigned char *key, size_t length) {
  static const unsigned char aes_128_gcm_sha256[] = {0x13, 0x01};
  const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, aes_128_gcm_sha256);
  SSL_SESSION *session = cipher ? SSL_SESSION_new() : NULL;
  if (!session) return NULL;
  if (!SSL_SESSION_set1_master_key(session, key, length) || !SSL_SESSION_set_cipher(session, cipher) ||
      !SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION)) {
    SSL_SESSION_free(session);
    return NULL;
  }
  return session;
}

/* ---- keys and certificates ---- */

/* From a file or any provider's URI (pkcs11:…). */
static inline EVP_PKEY *_Nullable copenssl_load_key(const char *uri) {
  EVP_PKEY *key = NULL;
  OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
  if (!store) return NULL;
  OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
  while (!key && !OSSL_STORE_eof(store)) {
    OSSL_STORE_INFO *info = OSSL_STORE_load(store);
    if (!info) break;
    if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) key = OSSL_STORE_INFO_get1_PKEY(info);
    OSSL_STORE_INFO_free(info);
  }
  OSSL_STORE_close(store);
  return key;
}
static inline EVP_PKEY *_Nullable copenssl_new_p256(void) { return EVP_EC_gen("P-256"); }

static inline long copenssl_drain(BIO *bio, char *_Nullable *_Nonnull data) { return BIO_get_mem_data(bio, data); }

/* Adds an extension by its configuration text: "URI:urn:uuid:…", "critical,CA:TRUE". */
static inline int copenssl_add_extension(X509 *certificate, X509 *_Nullable issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  if (!extension) return 0;
  int ok = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return ok;
}
static inline int copenssl_request_uri(X509_REQ *request, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, NULL, NULL, request, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, value);
  if (!extension) return 0;
  STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
  sk_X509_EXTENSION_push(extensions, extension);
  int ok = X509_REQ_add_extensions(request, extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return ok;
}

/* The subject alternative names as text: "DNS:a, IP Address:::1". */
static inline int copenssl_print_names(BIO *bio, X509 *certificate) {
  int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
  X509_EXTENSION *extension = at < 0 ? NULL : X509_get_ext(certificate, at);
  return extension ? X509V3_EXT_print(bio, extension, 0, 0) : 0;
}
/* Seconds since 1970, or 0 when the time can't be read. */
static inline long long copenssl_seconds(const ASN1_TIME *_Nullable time) {
  struct tm tm;
  memset(&tm, 0, sizeof tm);
  return time && ASN1_TIME_to_tm(time, &tm) ? (long long)timegm(&tm) : 0;
}

/* From `early` seconds (negative: before) `now` to `days` after it. */
static inline void copenssl_set_lifetime(X509 *certificate, long long now, int days, long early) {
  time_t from = (time_t)now;
  X509_time_adj_ex(X509_getm_notBefore(certificate), 0, early, &from);
  X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, &from);
}

/* The first URI among the names; copies at most size - 1 characters. Returns its length, or 0. */
static inline int copenssl_first_uri(GENERAL_NAMES *_Nullable names, char *out, int size) {
  int found = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && i < 64; i++) {
    GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    int length = ASN1_STRING_length(name->d.uniformResourceIdentifier);
    if (length <= 0 || length >= size) continue;
    memcpy(out, ASN1_STRING_get0_data(name->d.uniformResourceIdentifier), (size_t)length);
    out[length] = 0;
    found = length;
    break;
  }
  if (names) GENERAL_NAMES_free(names);
  return found;
}
static inline int copenssl_certificate_uri(X509 *certificate, char *out, int size) {
  return copenssl_first_uri((GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL), out, size);
}
static inline int copenssl_request_first_uri(X509_REQ *request, char *out, int size) {
  STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
  if (!extensions) return 0;
  GENERAL_NAMES *names = (GENERAL_NAMES *)X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return copenssl_first_uri(names, out, size);
}
static inline int copenssl_print_name(BIO *bio, X509_NAME *_Nullable name) { return name ? X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) : 0; }
static inline int copenssl_write_key(BIO *bio, EVP_PKEY *key) { return PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL); }
/* Nobody is asked for a passphrase: a daemon has no terminal. */
static inline int copenssl_no_passphrase(char *_Nullable buffer, int size, int writing, void *_Nullable arg) {
  (void)buffer; (void)size; (void)writing; (void)arg;
  return -1;
}
static inline X509 *_Nullable copenssl_read_certificate(BIO *bio) { return PEM_read_bio_X509(bio, NULL, copenssl_no_passphrase, NULL); }
static inline BIO *_Nullable copenssl_read_bio(const void *bytes, int length) { return BIO_new_mem_buf(bytes, length); }

/* HKDF-SHA256 (RFC 5869), extract and expand. */
static inline int copenssl_hkdf(const unsigned char *key, size_t key_length, const unsigned char *_Nullable salt, size_t salt_length,
                                const unsigned char *_Nullable info, size_t info_length, unsigned char *out, size_t out_length) {
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
  EVP_KDF_free(kdf);
  if (!context) return 0;
  OSSL_PARAM params[5], *p = params;
  *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0);
  *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_length);
  *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_length);
  *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_length);
  *p = OSSL_PARAM_construct_end();
  int ok = EVP_KDF_derive(context, out, out_length, params);
  EVP_KDF_CTX_free(context);
  return ok;
}

#pragma clang assume_nonnull end
#endif
