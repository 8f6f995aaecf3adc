#ifndef VALUESTREAM_CPOSTGRESQL_H
#define VALUESTREAM_CPOSTGRESQL_H

#include <libpq-fe.h>

/* Replaces the default notice processor, which prints to standard error, by one that prints nothing. */
static inline void vs_pq_ignore_notice(void *context, const char *message) {
  (void)context;
  (void)message;
}

static inline void vs_pq_ignore_notices(PGconn *connection) {
  PQsetNoticeProcessor(connection, vs_pq_ignore_notice, 0);
}

#endif
