import CSyncRecorder
import Foundation

/// A SQLite VFS with its own name. It records writes and syncs and can simulate failures.
final class SyncRecorder: @unchecked Sendable {  // The C side locks.
  enum Operation: Int32 {
    case write = 1
    case sync = 2
    case truncate = 3
    case read = 4
  }

  let name = "recorder-\(UUID().uuidString)"
  private let recorder: OpaquePointer

  init() throws {
    guard let recorder = vs_recorder_create(name) else { throw CocoaError(.featureUnsupported) }
    self.recorder = recorder
  }

  deinit {
    vs_recorder_destroy(recorder)
  }

  func count(_ operation: Operation, onFilesEnding suffix: String) -> Int {
    vs_recorder_count(recorder, suffix, operation.rawValue)
  }

  func last(onFilesEnding suffix: String) -> Operation? {
    Operation(rawValue: vs_recorder_last(recorder, suffix))
  }

  func failNext(_ operation: Operation, onFilesEnding suffix: String, times: Int32 = 1) {
    vs_recorder_fail(recorder, suffix, operation.rawValue, times)
  }

  /// Sets how many bytes the files may grow before the disk counts as full; nil means no limit.
  func setRoom(_ bytes: Int64?) {
    vs_recorder_set_room(recorder, bytes ?? -1)
  }
}
