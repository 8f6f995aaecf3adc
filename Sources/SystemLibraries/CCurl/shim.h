#ifndef VALUESTREAM_CCURL_H
#define VALUESTREAM_CCURL_H

#include <curl/curl.h>

/* Wrappers for variadic functions, which Swift cannot call. Parentheses around a name prevent the expansion of curl's
   type-checking macro of the same name. */

typedef size_t (*vs_curl_data_callback)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode vs_curl_set_number(CURL *handle, CURLoption option, long value) {
  return (curl_easy_setopt)(handle, option, value);
}

static inline CURLcode vs_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
  return (curl_easy_setopt)(handle, option, value);
}

/* Sets a string option. curl copies the string, except for CURLOPT_POSTFIELDS. */
static inline CURLcode vs_curl_set_text(CURL *handle, CURLoption option, const char *value) {
  return (curl_easy_setopt)(handle, option, value);
}

static inline CURLcode vs_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
  return (curl_easy_setopt)(handle, option, value);
}

static inline CURLcode vs_curl_set_callback(CURL *handle, CURLoption option, vs_curl_data_callback value) {
  return (curl_easy_setopt)(handle, option, value);
}

/* Allows only the schemes http and https. */
static inline CURLcode vs_curl_allow_http_only(CURL *handle) {
#if LIBCURL_VERSION_NUM >= 0x075500
  return (curl_easy_setopt)(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  return (curl_easy_setopt)(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* Lets a cleanup return without waiting for a name server that does not answer. Has no effect before curl 7.87. */
static inline CURLcode vs_curl_leave_resolver_behind(CURL *handle) {
#if LIBCURL_VERSION_NUM >= 0x075700
  return (curl_easy_setopt)(handle, CURLOPT_QUICK_EXIT, 1L);
#else
  (void)handle;
  return CURLE_OK;
#endif
}

/* Returns the HTTP status, or 0 if there is no response yet. */
static inline long vs_curl_status(CURL *handle) {
  long status = 0;
  (curl_easy_getinfo)(handle, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

/* Returns the CURLcode of the only transfer of a multi handle, or -1 while the transfer runs. */
static inline int vs_curl_result(CURLM *multi) {
  int left = 0;
  CURLMsg *message = curl_multi_info_read(multi, &left);
  return message && message->msg == CURLMSG_DONE ? (int)message->data.result : -1;
}

#endif
