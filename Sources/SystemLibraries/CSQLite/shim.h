#ifndef VALUESTREAM_CSQLITE_H
#define VALUESTREAM_CSQLITE_H

#include <sqlite3.h>

/* Binds a copy of a text. Swift does not import the cast SQLITE_TRANSIENT. A null pointer binds an empty text, not NULL. */
static inline int vs_sqlite_bind_text_copy(sqlite3_stmt *statement, int index, const void *text, int bytes) {
  return sqlite3_bind_text(statement, index, text ? (const char *)text : "", bytes, SQLITE_TRANSIENT);
}

static inline int vs_sqlite_bind_blob_copy(sqlite3_stmt *statement, int index, const void *blob, sqlite3_uint64 bytes) {
  return sqlite3_bind_blob64(statement, index, blob ? blob : "", bytes, SQLITE_TRANSIENT);
}

/* Swift does not import functions with a variable number of arguments. */
static inline int vs_sqlite_disable_memory_statistics(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

#endif
