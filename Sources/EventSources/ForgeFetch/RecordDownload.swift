package import APIClient
package import ValueStreamCore

/// Downloads records from an API into a file, page by page. The file contains only whole rows at any time.
package struct RecordDownload {
  /// How to read, and what to tell the user.
  package struct Options: Sendable {
    /// The most rows of a container; nil for all.
    package var rowLimit: Int?
    /// The number of containers to read at the same time.
    package var concurrency: Int
    /// The flag that sets ``rowLimit``, for a note.
    package var rowLimitFlag: String
    /// The flag that limits the number of containers, for a note; nil if there is none.
    package var containerLimitFlag: String?

    package init(rowLimit: Int?, concurrency: Int, rowLimitFlag: String, containerLimitFlag: String? = nil) {
      self.rowLimit = rowLimit
      self.concurrency = concurrency
      self.rowLimitFlag = rowLimitFlag
      self.containerLimitFlag = containerLimitFlag
    }
  }

  /// The path of the file; nil for standard output.
  private let path: String?
  /// The path of a regular file, which can have a state beside it; nil for a device or a pipe.
  private let file: String?
  private let fingerprint: [String]
  private let earlier: FetchState?
  private let progress: FetchProgress

  /// When the download began. A resumed download keeps the time of its first run.
  package let began: Timestamp

  /// True if the output is a regular file, so that an interrupted download can be resumed.
  package static func canResume(to path: String?) -> Bool { path.map(OutputFile.isFile) ?? false }

  /// Prepares a download.
  ///
  /// - Parameters:
  ///   - path: The file to write; nil for standard output.
  ///   - fingerprint: The command and the settings that decide on the content. They must not change on resume.
  ///   - isResumed: True to go on where an earlier run ended, if there is one.
  /// - Throws: ``FetchError`` if the state to resume is damaged or has another fingerprint.
  package init(to path: String?, fingerprint: [String], isResumed: Bool, progress: FetchProgress) throws(FetchError) {
    self.path = path
    file = Self.canResume(to: path) ? path : nil
    self.fingerprint = fingerprint
    self.progress = progress
    (earlier, began) = try FetchState.resume(at: isResumed ? file.map(FetchState.path) : nil, settings: fingerprint)
  }

  /// Downloads everything and writes it to the file.
  ///
  /// - Parameters:
  ///   - head: What the file begins with.
  ///   - encode: Returns rows as the file holds them.
  /// - Throws: ``FetchError`` if the API or a container cannot be read, or `OutputError`. If there is a state, a later run can
  ///   continue from there.
  package func run(_ source: any RecordSource, _ options: Options, head: [UInt8], encode: ([[String]]) -> [UInt8]) async throws {
    var state: FetchState
    do {
      state = try await begin(source, options)
    } catch let error as APIError {
      throw FetchError(.unavailable, error.description)
    }
    var output = try OutputFile(path: path, keeping: state.bytes)
    if state.bytes == 0 { try put(head, to: &output, &state) }
    progress.begin(containers: state.total, done: state.total - state.containers.count, rows: state.rows)
    do {
      let run = RecordRun(source, limit: options.rowLimit, concurrency: options.concurrency)
      try await run.run(state.containers) { step in
        state.advance(by: step)
        try put(encode(step.rows), to: &output, &state)
        show(step, options)
      }
    } catch let error as APIError {
      throw FetchError(.unavailable, "\(error)\(file == nil ? "" : "; --resume goes on from here")")
    }
    try finish(state)
  }

  private func begin(_ source: any RecordSource, _ options: Options) async throws -> FetchState {
    if var earlier {
      earlier.retryFailed()
      return earlier
    }
    let containers = try await source.containers()
    progress.note(containers, limitFlag: options.containerLimitFlag)
    return FetchState(settings: fingerprint, began: began, containers: containers.names)
  }

  private func show(_ step: RecordRun.Step, _ options: Options) {
    progress.show(step)
    let name = step.container.name
    for note in step.notes { progress.note("\(name): \(note)") }
    if step.isCut, let rows = options.rowLimit {
      progress.note("\(name): there are more than \(rows); --\(options.rowLimitFlag) sets how many are read")
    }
    if let error = step.failure { progress.note("\(name) is left out: \(error)") }
  }

  private func finish(_ state: FetchState) throws(FetchError) {
    progress.finish(rows: state.rows, to: path ?? "standard output")
    guard state.failed.isEmpty else {
      let names = state.failed.map(\.name).joined(separator: ", ")
      let hint = file == nil ? "" : "; --resume asks for them again"
      throw FetchError(.unavailable, "\(state.failed.count) of \(state.total) could not be read: \(names)\(hint)")
    }
    if let file { FetchState.remove(at: FetchState.path(for: file)) }
    if let missing = state.missing, missing > 0 {
      throw FetchError(
        .incomplete, "\(missing == 1 ? "1 record" : "\(missing) records") could not be read by the server; all others are written"
      )
    }
  }

  /// Writes rows, then the state, so that the file is never behind its state.
  private func put(_ bytes: [UInt8], to output: inout OutputFile, _ state: inout FetchState) throws {
    try output.write(bytes)
    try output.flush()
    state.bytes += Int64(bytes.count)
    if let file { try state.write(at: FetchState.path(for: file)) }
  }
}
