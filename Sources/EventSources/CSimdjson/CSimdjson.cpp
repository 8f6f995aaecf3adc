#include "CSimdjson.h"

#include <array>
#include <cstring>
#include <mutex>
#include <new>
#include <type_traits>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

using namespace simdjson;

struct vs_json_parser {
  dom::parser parser;
};

namespace {

// Converts between handles of simdjson and plain structs by copying bytes. A handle is a pointer to a document and an index into
// its tape. The static assertions stop the build if a version of the library changes that.
template <typename Handle, typename Plain>
Handle copy(const Plain &plain) {
  static_assert(sizeof(Handle) == sizeof(Plain), "a handle is two words");
  static_assert(std::is_trivially_copyable<Handle>::value && std::is_trivially_copyable<Plain>::value, "copied as bytes");
  Handle handle;
  std::memcpy(static_cast<void *>(&handle), &plain, sizeof handle);
  return handle;
}

dom::element element(vs_json_value value) { return copy<dom::element>(value); }

vs_json_value value(const dom::element &element) { return copy<vs_json_value>(element); }

// A pool of up to four idle parsers. Parsers with buffers for more than 1 MiB are freed instead.
constexpr size_t largest_kept = 1 << 20;
std::array<vs_json_parser *, 4> idle;
size_t idle_count = 0;
std::mutex idle_lock;

}  // namespace

extern "C" {

vs_json_parser *vs_json_parser_take(void) {
  {
    std::lock_guard<std::mutex> guard(idle_lock);
    if (idle_count > 0) return idle[--idle_count];
  }
  return new (std::nothrow) vs_json_parser;
}

void vs_json_parser_give(vs_json_parser *parser) {
  if (parser->parser.capacity() <= largest_kept) {
    std::lock_guard<std::mutex> guard(idle_lock);
    if (idle_count < idle.size()) {
      idle[idle_count++] = parser;
      return;
    }
  }
  delete parser;
}

bool vs_json_has_at_most(const uint8_t *bytes, size_t count, size_t limit) {
  bool in_string = false;
  size_t found = 0;
  for (size_t index = 0; index < count; ++index) {
    const uint8_t byte = bytes[index];
    if (in_string) {
      if (byte == '\\') ++index;
      else if (byte == '"') in_string = false;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == ',' || byte == ':' || byte == '[' || byte == '{') {
      if (++found > limit) return false;
    }
  }
  return true;
}

const size_t vs_json_room = SIMDJSON_PADDING;

const char *vs_json_parse(vs_json_parser *parser, const uint8_t *bytes, size_t count, size_t room, vs_json_value *root) {
  dom::element found;
  const bool copies = room < SIMDJSON_PADDING;
  error_code error = parser->parser.parse(bytes, count, copies).get(found);
  if (error) return error_message(error);
  *root = value(found);
  return nullptr;
}

vs_json_type vs_json_type_of(vs_json_value handle) {
  switch (element(handle).type()) {
    case dom::element_type::ARRAY: return VS_JSON_ARRAY;
    case dom::element_type::OBJECT: return VS_JSON_OBJECT;
    case dom::element_type::INT64: return VS_JSON_INT64;
    case dom::element_type::UINT64: return VS_JSON_UINT64;
    case dom::element_type::DOUBLE: return VS_JSON_DOUBLE;
    case dom::element_type::STRING: return VS_JSON_STRING;
    case dom::element_type::BOOL: return VS_JSON_BOOL;
    case dom::element_type::NULL_VALUE: return VS_JSON_NULL;
  }
  return VS_JSON_NULL;
}

bool vs_json_member(vs_json_value handle, const char *name, size_t length, size_t limit, vs_json_value *member) {
  dom::object object;
  if (element(handle).get_object().get(object)) return false;
  const auto end = object.end();
  for (auto next = object.begin(); limit > 0 && next != end; ++next, --limit) {
    if (!next.key_equals(std::string_view(name, length))) continue;
    *member = value(next.value());
    return true;
  }
  return false;
}

bool vs_json_get_bool(vs_json_value handle, bool *result) { return !element(handle).get_bool().get(*result); }

bool vs_json_get_int64(vs_json_value handle, int64_t *result) { return !element(handle).get_int64().get(*result); }

bool vs_json_get_double(vs_json_value handle, double *result) { return !element(handle).get_double().get(*result); }

bool vs_json_get_string(vs_json_value handle, const char **bytes, size_t *count) {
  std::string_view text;
  if (element(handle).get_string().get(text)) return false;
  *bytes = text.data();
  *count = text.size();
  return true;
}

bool vs_json_begin(vs_json_value handle, vs_json_cursor *cursor) {
  dom::array array;
  dom::object object;
  if (!element(handle).get_array().get(array)) {
    cursor->next = copy<vs_json_value>(array.begin());
    cursor->end = copy<vs_json_value>(array.end());
    return true;
  }
  if (!element(handle).get_object().get(object)) {
    cursor->next = copy<vs_json_value>(object.begin());
    cursor->end = copy<vs_json_value>(object.end());
    return true;
  }
  return false;
}

bool vs_json_next_element(vs_json_cursor *cursor, vs_json_value *result) {
  auto next = copy<dom::array::iterator>(cursor->next);
  if (!(next != copy<dom::array::iterator>(cursor->end))) return false;
  *result = value(*next);
  ++next;
  cursor->next = copy<vs_json_value>(next);
  return true;
}

bool vs_json_next_member(vs_json_cursor *cursor, const char **name, size_t *length, vs_json_value *result) {
  auto next = copy<dom::object::iterator>(cursor->next);
  if (!(next != copy<dom::object::iterator>(cursor->end))) return false;
  std::string_view key = next.key();
  *name = key.data();
  *length = key.size();
  *result = value(next.value());
  ++next;
  cursor->next = copy<vs_json_value>(next);
  return true;
}

}  // extern "C"
