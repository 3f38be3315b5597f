from lamp import create_app

app = create_app()
