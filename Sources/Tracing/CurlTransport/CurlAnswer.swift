import CCurl
import ValueStreamCore

/// Collects the response to a request while curl receives it.
final class CurlAnswer {
  private let limit: Int
  private var headers = HTTPHeaders()
  private var body: [UInt8] = []
  private var headerBytes = 0
  private var isTooLarge = false
  private let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  init(limit: Int) {
    self.limit = limit
    message.update(repeating: 0, count: Int(CURL_ERROR_SIZE))
  }

  deinit {
    message.deallocate()
  }

  /// Registers callbacks through which curl hands over what it receives. The object must outlive the transfer.
  func listen(on easy: UnsafeMutableRawPointer) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    vs_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, message)
    vs_curl_set_pointer(easy, CURLOPT_WRITEDATA, context)
    vs_curl_set_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let context else { return 0 }
      let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
      return Unmanaged<CurlAnswer>.fromOpaque(context).takeUnretainedValue().takeBody(piece)
    }
    vs_curl_set_pointer(easy, CURLOPT_HEADERDATA, context)
    vs_curl_set_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      guard let context else { return 0 }
      let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
      return Unmanaged<CurlAnswer>.fromOpaque(context).takeUnretainedValue().takeHeader(line)
    }
  }

  /// Appends a piece of the body. Returning fewer bytes than curl handed over ends the transfer.
  private func takeBody(_ piece: UnsafeRawBufferPointer) -> Int {
    guard body.count + piece.count <= limit else {
      isTooLarge = true
      return 0
    }
    body += piece
    return piece.count
  }

  private func takeHeader(_ line: UnsafeRawBufferPointer) -> Int {
    headerBytes += line.count
    guard headerBytes <= limit else {
      isTooLarge = true
      return 0
    }
    // A status line begins a new response. The one before it was interim, such as `100 Continue`.
    if line.starts(with: "HTTP/".utf8) {
      headers = HTTPHeaders()
    } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
      headers.fields.append(
        HTTPHeaders.Field(name: Self.trimmed(line[..<colon]), value: Self.trimmed(line[(colon + 1)...])))
    }
    return line.count
  }

  /// Returns a part of a line without the spaces and line ends around it.
  private static func trimmed(_ part: Slice<UnsafeRawBufferPointer>) -> String {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }
    var part = part.drop(while: isSpace)
    while part.last.map(isSpace) == true { part.removeLast() }
    return String(decoding: part, as: UTF8.self)
  }

  func result(_ code: CURLcode, status: Int) -> CurlExchange.Result {
    if code == CURLE_OK { return .success(HTTPResponse(status: status, headers: headers, body: body)) }
    if isTooLarge { return .failure(HTTPTransportError(.tooLarge, "the answer is larger than \(limit) bytes")) }
    let detail = String(cString: message)
    let text = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
    return .failure(HTTPTransportError(Self.meaning(of: code), text))
  }

  private static func meaning(of code: CURLcode) -> HTTPTransportError.Code {
    switch code {
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .invalidURL
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_PROXY: .unreachable
    case CURLE_OPERATION_TIMEDOUT: .timedOut
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_ISSUER_ERROR,
      CURLE_SSL_CLIENTCERT, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CIPHER:
      .untrusted
    // A handshake or response that breaks off, or no response at all.
    default: .reset
    }
  }
}
