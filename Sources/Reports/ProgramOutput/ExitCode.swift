/// Exit codes of failed programs. Source: sysexits.h.
package enum ExitCode {
  package static let usage: Int32 = 64
  package static let dataError: Int32 = 65
  package static let noInput: Int32 = 66
  package static let unavailable: Int32 = 69
  package static let software: Int32 = 70
  package static let system: Int32 = 71
  package static let inputOutput: Int32 = 74
  /// Everything available was written, but some records could not be read. A later run may get them.
  package static let incomplete: Int32 = 75
  /// Something is not set up as it must be.
  package static let configuration: Int32 = 78
}
