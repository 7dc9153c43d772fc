/** The errors of composing a generation of two. */

export type ComposeErrorCode =
  /** No option, package or service is named so, or it cannot be taken by itself. */
  | "E_COMPOSE_PART"
  /** Only one of the two generations has the part. */
  | "E_COMPOSE_ABSENT"
  /** Both generations have the same of every part. */
  | "E_COMPOSE_SAME"
  /** The packages of the composed generation do not fit together. */
  | "E_COMPOSE_DEPENDS"
  /** The options of the composed generation contradict the schema or each other. */
  | "E_COMPOSE_INVALID"
  /** Users or groups have other numbers in the two generations. */
  | "E_COMPOSE_IDS"
  /** Files that a package made when it was installed differ, and nobody can tell which are right. */
  | "E_COMPOSE_GENERATED"
  /** Two packages would bring the same file, or what a file was before is in neither image. */
  | "E_COMPOSE_FILE";
