import FoundationEssentials
import Glibc
import Intake
import ReportClient
import Simulator
import ValueStreamCore

extension Command {
  static let importSend = Command(
    words: ["import", "send"], summary: "send a file of imported deliveries to a vsd",
    description: """
      Sends the deliveries in files that vsperf import --out or vsperf generate history --out wrote, as
      imported ones. Sending a file again changes nothing.
      """,
    declarations: [ImportSettings.server.declaration, ImportSettings.connections.declaration]
      + IntakeSettings.importSecret.declarations + [FetchSettings.authority.declaration, FetchSettings.proxy.declaration],
    operands: "FILE...",
    examples: [("Send a file", "vsperf import send site.ndjson --server http://127.0.0.1:5000")],
    run: { try await ImportSendCommand.run($0) })
}

/// Implements `vsperf import send`.
enum ImportSendCommand {
  static func run(_ settings: Settings) async throws {
    let words = Command.importSend.words
    guard let server = try settings.value(of: ImportSettings.server) else {
      throw UsageError("where to? --server URL of a vsd", seeing: words)
    }
    let paths = Array(settings.operands.dropFirst(words.count))
    guard !paths.isEmpty else { throw UsageError("which files?", seeing: words) }
    let sender = try ImportSettings.sender(to: server, settings)
    let connections = try settings.value(of: ImportSettings.connections)
    var report = DeliveryReport(verb: "sent")
    for path in paths {
      var lines = try LineFile(path)
      var number = 0
      while case let batch = try lines.next(atMost: batchSize), !batch.isEmpty {
        let deliveries = try batch.map { line in
          number += 1
          guard let delivery = HistoryDelivery(line: line) else {
            throw CommandError("\(path):\(number) is no delivery; the lines before it are sent", ExitCode.dataError)
          }
          return delivery
        }
        try await sender.send(deliveries, atOnce: connections)
        for delivery in deliveries { report.count(delivery) }
      }
    }
    report.finish()
  }

  private static let batchSize = 500
}

extension HistoryDelivery {
  /// Reads a line of `vsperf import --out` or `vsperf generate history`. The body stays as it is, byte for byte.
  init?(line: [UInt8]) {
    struct Line: Decodable {
      var time: String
      var path: String
      var headers: [String: String]
    }
    guard let head = try? JSONDecoder().decode(Line.self, from: Data(line)), head.path.hasPrefix("/"),
      let time = Timestamp(rfc3339: head.time), let body = PayloadFiles.body(of: line)
    else { return nil }
    let headers = head.headers.sorted { $0.key < $1.key }.map { HTTPHeaders.Field(name: $0.key, value: $0.value) }
    self.init(path: head.path, headers: HTTPHeaders(headers), body: body, time: time)
  }
}

/// Reads a file line by line, with a buffer.
struct LineFile: ~Copyable {
  private let descriptor: Int32
  private let path: String
  private var rest: [UInt8] = []
  private var isOver = false

  private static let pieceSize = 1 << 18

  init(_ path: String) throws(CommandError) {
    self.path = path
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))", ExitCode.noInput) }
  }

  deinit {
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// Returns the next lines, without empty ones; none at the end.
  mutating func next(atMost count: Int) throws(CommandError) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    while lines.count < count {
      var start = rest.startIndex
      while lines.count < count, let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
        if end > start { lines.append(Array(rest[start..<end])) }
        start = end + 1
      }
      rest.removeSubrange(..<start)
      if lines.count == count { break }
      if isOver {
        if !rest.isEmpty { lines.append(rest) }
        rest = []
        break
      }
      try fill()
    }
    return lines
  }

  private mutating func fill() throws(CommandError) {
    var piece = [UInt8](repeating: 0, count: Self.pieceSize)
    let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno != EINTR {
      throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))", ExitCode.inputOutput)
    }
    if count > 0 { rest += piece[..<count] }
    if count == 0 { isOver = true }
  }
}
