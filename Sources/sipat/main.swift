print("sipat")
