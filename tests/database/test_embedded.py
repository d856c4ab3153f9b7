"""The embedded cluster: closed, durable, and back after a crash."""


def test_each_role_signs_in_to_a_fresh_database(database):
    for role in ("vault", "sealer", "door", "worker", "operator"):
        with database.connect(role) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (f"rempart_{role}",)
