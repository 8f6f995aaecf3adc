// simdjson's DOM behind C, so that C++ interoperability does not spread to the Swift targets that read payloads.

#ifndef VALUESTREAM_CSIMDJSON_H
#define VALUESTREAM_CSIMDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A parser with its buffers; holds one document at a time, which the next parse replaces.
typedef struct vs_json_parser vs_json_parser;

/// A value in a parsed document; valid until the parser is given back.
typedef struct {
  const void *document;
  size_t index;
} vs_json_value;

/// A place in an array or object.
typedef struct {
  vs_json_value next;
  vs_json_value end;
} vs_json_cursor;

typedef enum {
  VS_JSON_NULL,
  VS_JSON_BOOL,
  VS_JSON_INT64,
  VS_JSON_UINT64,
  VS_JSON_DOUBLE,
  VS_JSON_STRING,
  VS_JSON_ARRAY,
  VS_JSON_OBJECT,
} vs_json_type;

/// A parser of one's own, from those that were given back or a new one; NULL when memory is short. From any thread.
vs_json_parser *vs_json_parser_take(void);

/// Gives it back with its buffers, for the next document; large ones are freed. From any thread.
void vs_json_parser_give(vs_json_parser *parser);

/// True when a document has at most this many values, counted by what stands before each. Of anything, also of what is no JSON.
bool vs_json_has_at_most(const uint8_t *bytes, size_t count, size_t limit);

/// Parses and validates a whole document. Returns NULL, or what is wrong with it (a static string).
const char *vs_json_parse(vs_json_parser *parser, const uint8_t *bytes, size_t count, vs_json_value *root);

vs_json_type vs_json_type_of(vs_json_value value);

/// The first member of that name among the first `limit`. False when the value is no object or has no such member.
bool vs_json_member(vs_json_value object, const char *name, size_t length, size_t limit, vs_json_value *member);

/// Each is false when the value is of another type or does not fit.
bool vs_json_get_bool(vs_json_value value, bool *result);
bool vs_json_get_int64(vs_json_value value, int64_t *result);
bool vs_json_get_double(vs_json_value value, double *result);
bool vs_json_get_string(vs_json_value value, const char **bytes, size_t *count);

/// Starts at the first element or member. False when the value is neither array nor object.
bool vs_json_begin(vs_json_value container, vs_json_cursor *cursor);
/// Takes the next element of an array; false at the end.
bool vs_json_next_element(vs_json_cursor *cursor, vs_json_value *element);
/// Takes the next member of an object; false at the end.
bool vs_json_next_member(vs_json_cursor *cursor, const char **name, size_t *length, vs_json_value *member);

#ifdef __cplusplus
}
#endif

#endif
