import CCurl
import Synchronization
import ValueStreamCore

/// One HTTP request in progress, with its cancellation.
final class CurlExchange: Sendable {
  typealias Result = Swift.Result<HTTPResponse, HTTPTransportError>

  private struct State {
    var isCancelled = false
    /// The handle to wake up on a cancellation; nil while no transfer runs.
    var handle: CurlHandle?
  }

  private let request: HTTPTransportRequest
  private let options: CurlTransport.Options
  private let state = Mutex(State())

  init(_ request: HTTPTransportRequest, options: CurlTransport.Options) {
    self.request = request
    self.options = options
  }

  func cancel() {
    let handle = state.withLock { state in
      state.isCancelled = true
      return state.handle
    }
    handle?.wakeUp()
  }

  /// Sends the request and waits for the response on this thread.
  ///
  /// - Parameter onCancel: Called as soon as ``cancel()`` takes effect, before anything is cleaned up.
  /// - Returns: The response or error; nil after a cancellation. Do not use the handle again then.
  func perform(on handle: CurlHandle, onCancel: () -> Void) -> Result? {
    if let problem { return .failure(HTTPTransportError(.invalidURL, problem)) }
    state.withLock { $0.handle = handle }
    defer { state.withLock { $0.handle = nil } }
    let answer = CurlAnswer(limit: options.responseLimit)
    let lines = headerLines()
    // curl uses the response object and the body until the transfer is removed from the handle.
    return withExtendedLifetime(answer) {
      request.body.withUnsafeBytes { body in
        let headers = lines.reduce(nil) { list, line in curl_slist_append(list, line) ?? list }
        defer { curl_slist_free_all(headers) }
        configure(handle.easy, body: body, headers: headers, answer: answer)
        curl_multi_add_handle(handle.multi, handle.easy)
        defer {
          curl_multi_remove_handle(handle.multi, handle.easy)
          curl_easy_reset(handle.easy)
        }
        return wait(on: handle, for: answer, onCancel)
      }
    }
  }

  private func wait(on handle: CurlHandle, for answer: CurlAnswer, _ onCancel: () -> Void) -> Result? {
    while true {
      if state.withLock(\.isCancelled) {
        onCancel()
        return nil
      }
      var running: Int32 = 0
      let problem = curl_multi_perform(handle.multi, &running)
      let code = vs_curl_result(handle.multi)
      if code >= 0 { return answer.result(CURLcode(UInt32(code)), status: vs_curl_status(handle.easy)) }
      guard problem == CURLM_OK, running > 0 else {
        return .failure(HTTPTransportError(.reset, String(cString: curl_multi_strerror(problem))))
      }
      curl_multi_poll(handle.multi, nil, 0, 1000, nil)
    }
  }

  // MARK: The request

  /// Describes what would corrupt the request, such as control characters in the URL or a header; nil if the request is
  /// valid.
  private var problem: String? {
    func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }
    if !isPlain(request.url) { return "the URL holds a control character" }
    for field in request.headers.fields where !isPlain(field.name) || !isPlain(field.value) || field.name.contains(":") {
      return "header \(field.name.filter { $0.isLetter || $0 == "-" }) holds a control character"
    }
    return nil
  }

  /// Returns header lines in curl's syntax. A name followed by a bare colon stops curl from adding its own header.
  private func headerLines() -> [String] {
    var lines = request.headers.fields.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
    for name in ["Expect", "Content-Type"] where request.headers[name] == nil { lines.append("\(name):") }
    return lines
  }

  private func configure(
    _ easy: UnsafeMutableRawPointer, body: UnsafeRawBufferPointer, headers: UnsafeMutablePointer<curl_slist>?,
    answer: CurlAnswer
  ) {
    vs_curl_set_number(easy, CURLOPT_NOSIGNAL, 1)
    vs_curl_leave_resolver_behind(easy)
    vs_curl_allow_http_only(easy)
    vs_curl_set_text(easy, CURLOPT_URL, request.url)
    vs_curl_set_text(easy, CURLOPT_USERAGENT, options.userAgent)
    vs_curl_set_pointer(easy, CURLOPT_HTTPHEADER, headers)
    // The empty text stands for every encoding that this version of curl supports.
    vs_curl_set_text(easy, CURLOPT_ACCEPT_ENCODING, "")
    vs_curl_set_number(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    vs_curl_set_number(easy, CURLOPT_TCP_KEEPALIVE, 1)
    let timeout = Self.milliseconds(request.timeoutSeconds)
    vs_curl_set_number(easy, CURLOPT_TIMEOUT_MS, timeout)
    vs_curl_set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, min(timeout, Self.milliseconds(options.connectTimeoutSeconds)))
    switch (request.method, body.count) {
    case ("GET", 0): vs_curl_set_number(easy, CURLOPT_HTTPGET, 1)
    case ("HEAD", 0): vs_curl_set_number(easy, CURLOPT_NOBODY, 1)
    default:
      vs_curl_set_number(easy, CURLOPT_POST, 1)
      vs_curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
      vs_curl_set_pointer(easy, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: body.baseAddress))
      vs_curl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method)
    }
    for (option, text) in [
      (CURLOPT_CAINFO, options.caFile), (CURLOPT_SSLCERT, options.clientCertificate),
      (CURLOPT_SSLKEY, options.clientKey ?? options.clientCertificate), (CURLOPT_PROXY, options.proxy),
    ] {
      if let text { vs_curl_set_text(easy, option, text) }
    }
    answer.listen(on: easy)
  }

  private static func milliseconds(_ seconds: Double) -> Int {
    Int(max(1, min(seconds * 1000, 1e9)))
  }
}
