// A C interface to simdjson's DOM, so that the Swift targets that read payloads need no C++ interoperability.

#ifndef VALUESTREAM_CSIMDJSON_H
#define VALUESTREAM_CSIMDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A parser with its buffers. It holds one document at a time; the next parse replaces it.
typedef struct vs_json_parser vs_json_parser;

/// A value in a parsed document. It is valid until the next parse or until the parser is given back.
typedef struct {
  const void *document;
  size_t index;
} vs_json_value;

/// A position in an array or object.
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

/// Returns an idle or new parser for exclusive use, or NULL if memory is short. Thread-safe.
vs_json_parser *vs_json_parser_take(void);

/// Gives a parser back for reuse, or frees it if its buffers are large. Thread-safe.
void vs_json_parser_give(vs_json_parser *parser);

/// Returns true if a document has at most `limit` values. Counts the characters that precede values (`,`, `:`, `[` and `{`)
/// outside strings, so it accepts any bytes, not only valid JSON.
bool vs_json_has_at_most(const uint8_t *bytes, size_t count, size_t limit);

/// The room behind a document that parsing in place needs.
extern const size_t vs_json_room;

/// Parses and validates a whole document. Returns NULL on success, or else a static string with the error.
///
/// `room` is how many bytes behind the document may be read, whatever they hold. With less than `vs_json_room`, the document is
/// copied first.
const char *vs_json_parse(vs_json_parser *parser, const uint8_t *bytes, size_t count, size_t room, vs_json_value *root);

vs_json_type vs_json_type_of(vs_json_value value);

/// Finds the first member with the name among the first `limit` members. Returns false if there is none or the value is not an
/// object.
bool vs_json_member(vs_json_value object, const char *name, size_t length, size_t limit, vs_json_value *member);

/// These functions return false if the value has another type or does not fit.
bool vs_json_get_bool(vs_json_value value, bool *result);
bool vs_json_get_int64(vs_json_value value, int64_t *result);
bool vs_json_get_double(vs_json_value value, double *result);
bool vs_json_get_string(vs_json_value value, const char **bytes, size_t *count);

/// Places the cursor at the first element or member. Returns false if the value is neither an array nor an object.
bool vs_json_begin(vs_json_value container, vs_json_cursor *cursor);
/// Takes the next element of an array. Returns false at the end.
bool vs_json_next_element(vs_json_cursor *cursor, vs_json_value *element);
/// Takes the next member of an object. Returns false at the end.
bool vs_json_next_member(vs_json_cursor *cursor, const char **name, size_t *length, vs_json_value *member);

#ifdef __cplusplus
}
#endif

#endif
