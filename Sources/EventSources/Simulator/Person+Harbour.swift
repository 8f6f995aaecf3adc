/// The eight members of every team.
extension Person.Habits {
  static let all = [amara, bjorn, celine, dmitri, esi, farid, greta, hugo]

  /// Works early and reviews quickly.
  static let amara = Person.Habits(
    login: "amara", name: "Amara Okafor", repositories: ["shop", "docs"], from: 6.7, to: 15.2, drafts: 0.15, namesBranches: 0.9,
    forces: 0.05, strictness: 0.2, reviewHours: 0.8, weekends: 0)
  /// Works on payments and often requests changes.
  static let bjorn = Person.Habits(
    login: "bjorn", name: "Bjørn Lykke", repositories: ["payments", "shop"], from: 6.5, to: 15, drafts: 0.1, namesBranches: 0.6,
    forces: 0.3, strictness: 0.45, reviewHours: 2, weekends: 0)
  /// Starts nearly every pull request as a draft.
  static let celine = Person.Habits(
    login: "celine", name: "Céline Marchand", repositories: ["shop", "app"], from: 8, to: 17, drafts: 0.9, namesBranches: 0.5,
    forces: 0.1, strictness: 0.3, reviewHours: 1.8, weekends: 0.05)
  /// Works late and rebases branches.
  static let dmitri = Person.Habits(
    login: "dmitri", name: "Dmitri Volkov", repositories: ["payments", "shop"], from: 9.2, to: 18.3, drafts: 0.3,
    namesBranches: 0.35,
    forces: 0.6, strictness: 0.25, reviewHours: 3, weekends: 0.2)
  static let esi = Person.Habits(
    login: "esi", name: "Esi Tetteh", repositories: ["app", "payments"], from: 8.2, to: 16.8, drafts: 0.4, namesBranches: 0.8,
    forces: 0.1, strictness: 0.25, reviewHours: 1.5, weekends: 0.03)
  /// Works in another time zone.
  static let farid = Person.Habits(
    login: "farid", name: "Farid Haddad", repositories: ["app", "shop"], from: 13, to: 21.3, drafts: 0.3, namesBranches: 0.5,
    forces: 0.2, strictness: 0.2, reviewHours: 2.4, weekends: 0.1)
  /// Writes documentation, four days a week.
  static let greta = Person.Habits(
    login: "greta", name: "Greta Wiese", repositories: ["docs", "shop"], from: 7.5, to: 15.5, freeWeekday: 5, drafts: 0.5,
    namesBranches: 0.2, forces: 0, strictness: 0.35, reviewHours: 1.2, weekends: 0)
  /// Runs the infrastructure: deploys, and is called when something breaks.
  static let hugo = Person.Habits(
    login: "hugo", name: "Hugo Pires", repositories: ["payments", "shop", "app", "docs"], from: 7, to: 16.5, drafts: 0.1,
    namesBranches: 0.7, forces: 0.2, strictness: 0.15, reviewHours: 1.6, weekends: 0.08)
}
