#pragma once

#include <microhttpd.h>
#include <stddef.h>

// Wrappers for variadic functions, which Swift cannot call.

struct vs_mhd_configuration {
  /// A bound, listening, non-blocking socket.
  int listen_socket;
  unsigned int connection_limit;
  /// Seconds without traffic after which the library closes a connection.
  unsigned int idle_seconds;
  size_t connection_memory;
  void *context;
  MHD_AccessHandlerCallback handle_request;
  MHD_RequestCompletedCallback request_completed;
  MHD_NotifyConnectionCallback connection_changed;
};

/// Starts a daemon without threads. The caller waits on its epoll descriptor and calls MHD_run. Returns NULL on failure.
static inline struct MHD_Daemon *vs_mhd_start(const struct vs_mhd_configuration *configuration) {
  return MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, configuration->handle_request, configuration->context,
      MHD_OPTION_LISTEN_SOCKET, configuration->listen_socket,
      MHD_OPTION_CONNECTION_LIMIT, configuration->connection_limit,
      MHD_OPTION_CONNECTION_TIMEOUT, configuration->idle_seconds,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, configuration->connection_memory,
      MHD_OPTION_NOTIFY_COMPLETED, configuration->request_completed, configuration->context,
      MHD_OPTION_NOTIFY_CONNECTION, configuration->connection_changed, configuration->context,
      MHD_OPTION_END);
}

/// Returns the daemon's epoll descriptor, or -1 if there is none.
static inline int vs_mhd_epoll_descriptor(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

/// Returns the connection's socket, or -1 if there is none.
static inline int vs_mhd_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

/// Returns the address of the client, or NULL if it is unknown.
static inline const struct sockaddr *vs_mhd_peer(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : NULL;
}

/// Returns the pointer that the callback connection_changed stored, or NULL.
static inline void *vs_mhd_socket_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

/// Calls `visit` for each header, in order.
static inline void vs_mhd_each_header(struct MHD_Connection *connection, MHD_KeyValueIteratorN visit, void *context) {
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, visit, context);
}

/// Calls `visit` for each query item, in order. The value is NULL for an item without `=`, as in `?name`.
static inline void vs_mhd_each_query_item(struct MHD_Connection *connection, MHD_KeyValueIteratorN visit, void *context) {
  MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, visit, context);
}
