// The baseline of the benchmarks: a libmicrohttpd server that reads a delivery, discards it and answers 200.
//
//   bare-server PORT        listens on 127.0.0.1 until SIGTERM
//
// It runs one thread with an epoll descriptor and uses the same connection memory as vsd.

#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stopping;

static void stop(int signal) {
  (void)signal;
  stopping = 1;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request) {
  (void)url, (void)method, (void)version, (void)upload;
  static int seen;
  if (!*request) {
    *request = &seen;
    return MHD_YES;
  }
  if (*upload_size) {
    *upload_size = 0;
    return MHD_YES;
  }
  return MHD_queue_response(connection, MHD_HTTP_OK, context);
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: bare-server PORT\n");
    return 64;
  }
  signal(SIGTERM, stop);
  signal(SIGPIPE, SIG_IGN);

  struct MHD_Response *success = MHD_create_response_from_buffer(7, "success", MHD_RESPMEM_PERSISTENT);
  MHD_add_response_header(success, "Content-Type", "text/plain; charset=utf-8");

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  struct MHD_Daemon *daemon = MHD_start_daemon(
      MHD_USE_EPOLL, 0, NULL, NULL, answer, success, MHD_OPTION_SOCK_ADDR, &address,
      MHD_OPTION_CONNECTION_LIMIT, 1024u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
      MHD_OPTION_CONNECTION_TIMEOUT, 75u, MHD_OPTION_END);
  if (!daemon) {
    perror("bare-server: cannot listen");
    return 69;
  }

  struct pollfd events = {.fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .events = POLLIN};
  while (!stopping) {
    unsigned long long milliseconds;
    int wait = MHD_get_timeout(daemon, &milliseconds) == MHD_YES && milliseconds < 1000 ? (int)milliseconds : 1000;
    poll(&events, 1, wait);
    MHD_run(daemon);
  }
  MHD_stop_daemon(daemon);
  MHD_destroy_response(success);
  return 0;
}
