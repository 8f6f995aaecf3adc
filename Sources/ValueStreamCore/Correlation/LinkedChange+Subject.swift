extension LinkedChange {
  /// What the events of a change say of it.
  init(_ change: Subject) {
    self.init(
      title: change.text(AttributeName.vcsChangeTitle), number: change.text(AttributeName.vcsChangeID),
      address: Self.page(of: change))
  }

  /// Returns the address that the change publishes, or the page of a pull or merge request in its repository.
  private static func page(of change: Subject) -> String? {
    if let stated = change.aliases.first(where: { $0.kind == .address }) { return stated.value }
    guard let repository = change.text(AttributeName.vcsRepositoryURLFull), let number = change.text(AttributeName.vcsChangeID)
    else { return nil }
    switch change.key.encodedKind {
    case "pull_request": return "\(repository)/pull/\(number)"
    case "merge_request": return "\(repository)/-/merge_requests/\(number)"
    default: return nil
    }
  }
}
