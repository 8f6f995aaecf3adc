/// How a program ends when it could not do what it was started for. Source: sysexits.h.
package enum ExitCode {
  package static let usage: Int32 = 64
  package static let dataError: Int32 = 65
  package static let noInput: Int32 = 66
  package static let unavailable: Int32 = 69
  package static let software: Int32 = 70
  package static let system: Int32 = 71
  package static let inputOutput: Int32 = 74
  /// What there was is written, and some of it was not to be had: a later run may get it.
  package static let incomplete: Int32 = 75
}
