import CustomHTTP
import Glibc
import ValueStreamCore

extension CustomEvent {
  /// Creates an event from the settings that all event commands share.
  init(_ action: Action, id: String, time: Timestamp, _ settings: Settings) throws(SettingsError) {
    let given = try settings.values(of: EventSettings.tag).compactMap { $0 }
    self.init(
      action, id: id, type: try settings.value(of: EventSettings.type),
      namespace: try settings.value(of: EventSettings.namespace), time: time,
      references: try settings.values(of: EventSettings.reference).compactMap { $0 },
      tags: given.isEmpty ? [] : Self.userTags.filter { user in !given.contains { $0.name == user.name } } + given)
    parent = try settings.value(of: EventSettings.parent)
    title = try settings.value(of: EventSettings.title)
    environment = try settings.value(of: EventSettings.environment)
    service = try settings.value(of: EventSettings.service)
    link = try settings.value(of: EventSettings.link)
  }

  /// The name and login of the current user, as the operating system knows them.
  private static var userTags: [Tag] {
    guard let entry = getpwuid(getuid()), let login = entry.pointee.pw_name else { return [] }
    // The first field of the description is the full name, which Go's `os/user` also assumes.
    let description = entry.pointee.pw_gecos.map { String(cString: $0) } ?? ""
    let name = description.split(separator: ",", omittingEmptySubsequences: false).first.map(String.init) ?? ""
    return [Tag(name: "user.name", value: name), Tag(name: "user.username", value: String(cString: login))]
  }
}
