#pragma once

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

// Parameters hold pointers to their names, which Swift's temporary strings are not.
static inline int vs_hmac_set_key(EVP_MAC_CTX *context, const char *digest, const unsigned char *key, size_t size) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_init(context, key, size, parameters);
}
