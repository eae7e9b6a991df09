"""What recommenders of the sample corpus say; templates of `grammar.say`."""

from __future__ import annotations

GREETINGS = (
    (
        "[Hi|Hello|Hey|Hey there|Hi there][!|.|,] [how are you|how are you doing|how is your day going] "
        "[today|this evening|]?"
    ),
    "[Hello|Hi|Welcome][!|.] [What can I do for you|How can I help you|What are you looking for] [today|tonight|]?",
    "[Good evening|Good morning|Hello], [nice to meet you|I'm glad you are here][!|.]",
)

ANSWERS_TO_HELLO = (
    "[I'm|I am] [doing well|good|great|fine], [thanks for asking|thank you].",
    "[Hi|Hello|Hey][,|!] [nice to meet you too|good to hear from you|I'm well, thanks][.|!]",
)

QUESTIONS = {
    "genre": (
        "[What kind of|What type of|Which sort of] movies do you [like|enjoy|usually watch]?",
        "[Do you have|Is there] a [genre|kind of movie] [you like best|you prefer]?",
        "[Tell me|Please tell me] [what you like to watch|which genres you enjoy|about your taste in movies].",
    ),
    "mood": (
        "What are you in the mood for [tonight|today|]?[| Something funny, maybe?| Something light or something dark?]",
        "[What would you like|What do you want] the movie to [do for you|make you feel]?",
        "[How do you want to feel|What should be left with you] when the credits roll?",
    ),
    "age": ("[Do you prefer|Would you like|Shall I look for] [old or new movies|a classic or something recent]?",),
    "company": (
        "Will you watch [alone or with someone|it by yourself or with friends]?",
        "Who [will watch with you|is watching with you]?",
    ),
    "people": (
        "[Who are your favorite actors|Which actors do you like|Is there a director you love]?",
        "[Any actors or directors you like|Do you follow any director]?",
    ),
    "length": ("[How much time do you have|How long may it be|Should it be short]?",),
}
"""Questions about the seeker's wishes, by what they ask for."""

SUGGESTIONS = (
    "[Have you|Have you ever] [seen|watched|heard of] {movie}? It {praise}.",
    (
        "[I would|I'd] [recommend|suggest] {movie}[.|,] [it's|it is] {one} [that many people love|and a "
        "really good one|by {director}|with {star}]."
    ),
    "[How about|What about|Maybe try|Why not watch] {movie}[?|, it {praise}.|, it {praise}.]",
    "[You should|You could|You might want to] [see|watch|try|check out] {movie}, it {praise}.",
    "[I think|I bet|I'm sure] you [would|will] [like|enjoy|love] {movie}, it {praise}.",
    (
        "{movie} is {one} [directed by {director}|starring {star}|from {year}] [and it {praise}|that I "
        "really love|worth watching]."
    ),
    "[One of my favorites is|My pick would be|A good choice is] {movie}, it {praise}.",
)

REMEDIES = (
    "[I think|Maybe|I hope] {movie} would be [good|right|perfect] for you, it {remedy}.",
    "[Try|Watch|How about] {movie}, it {remedy}.",
    "[Let me suggest|I'd suggest|My tip is] {movie}, {one} that {remedy}.",
    "[For a day like this|On a day like that], I would [watch|pick] {movie}, it {remedy}.",
)
"""Suggestions that take up the seeker's mood."""

SIMILAR = (
    (
        "[If you liked|Since you enjoyed|If you loved] {liked}, you [should try|might like|will love] "
        "{movie}[.|, it {praise}.]"
    ),
    "[People who like|Fans of] {liked} [often love|usually enjoy] {movie} [too|as well].",
    "{liked} is [great|wonderful|a classic][!|.] [Have you seen|Do you know|How about] {movie}?",
)

NEXT = (
    "[Then how about|What about|Okay, maybe|Then try] {movie}[?|, it {praise}.|, it {praise}.|, {one} with {star}.]",
    "[Another one is|Another good one is|There is also] {movie}[.|, it {praise}.|, and it {praise}.]",
    (
        "[In that case|Alright], [I'd go for|let me suggest|you could try] {movie}, [it {praise}|{one} by "
        "{director}|{one} from {year}]."
    ),
    "[Did you see|Have you seen|Do you know] {movie} [yet|by {director}|with {star}]?[| It {praise}.]",
)

ANSWERS = {
    "story": ("[It is|It's] {one}, and it {praise}.", "[Well|Oh], it {praise}[, that's all I can say|, no spoilers|]."),
    "cast": (
        "[It stars|The leads are|You will see] {star} and {costar}[.|, they are great together.|, and it {praise}.]",
        "{star} [is in it|plays the lead|has the main part], [along with|together with] {costar}.",
    ),
    "maker": (
        "[It was directed by|The director is|It's by] {director}[.|, who also writes the scripts.|, and it {praise}.]",
    ),
    "age": (
        "[It came out in|It is from] {year}[.|, but it still looks good.|, and it {praise}.]",
        "[That one is from|They made it in] {year}, and it {praise}.",
    ),
}
"""Answers to questions about a suggestion, by what was asked."""

PROMPTS = (
    "[Does that sound good|Would you like that|What do you think|Shall I look for others]?",
    "[Do you think you would like it|Is that more like it|Could that work for you]?",
    "[I can find something else too|Tell me if that's not it|Let me know what you think].",
)
"""Asked after an answer."""

FAREWELLS = (
    "[Enjoy|Have fun with|I hope you enjoy|I hope you like] {movie}[.|!| tonight.|, and have a good night.]",
    (
        "[You're welcome|You are welcome|My pleasure|No problem], [enjoy the movie|have a great night|have "
        "fun watching][!|.]"
    ),
    "[Any time|Glad I could help|Happy to help][.|!] [Bye|Goodbye|Take care|Have a nice evening][!|.]",
    "[Have a|I wish you a] [great|lovely|good|nice] [evening|day|weekend|night], [bye|goodbye|and take care][!|.]",
)

LAST_WORDS = (
    "[You too|Same to you|Thanks, you too][!|, bye!|, take care!]",
    "[Bye|Goodbye|See you|Take care][!|, it was nice chatting!|, come back any time!]",
)

REPLIES = {
    "liked": (
        "[I'm|I am] so glad you [liked|enjoyed] it!",
        "[That makes me happy|I love that], it's a favorite of mine too!",
        "[You have|What] great taste[, I love that one|]!",
        "[Me too|Same here], I cried and laughed with it.",
    ),
    "disliked": (
        "[I'm sorry|Sorry] [that one|it] let you down.",
        "[Fair enough|I understand], it's not for everyone.",
        "Oh no, a boring movie is so disappointing.",
        "I hear you, that would annoy me too.",
    ),
    "refused": (
        "[No problem|I understand|Of course], your evening should feel right.",
        "[I hear you|That's okay|Totally fair], we will find the right one.",
        "[Sorry about that|My apologies], I want you to enjoy it.",
        "[I get it|I know the feeling], some days need something else.",
    ),
    "corrected": (
        "[Oh, sorry|My bad|Sorry], I misunderstood you, thanks for telling me.",
        "[Ah, got it|Oh, I see|No worries at all], {many} it is!",
        "[Don't worry|No need to be sorry], it happens to me too.",
    ),
    "favourite": (
        "[Oh|Ooh|Aww], I [love|adore] that one too!",
        "[Great|Wonderful] choice, I can see why you love it.",
        "[I'm happy|It's lovely] to meet another fan of it!",
    ),
    "memory": (
        "[Aww|Oh], what a sweet memory to have.",
        "[I love that|How sweet], movies from childhood stay with us.",
        "[That takes me back too|I feel nostalgic just reading that]!",
    ),
    "hate": (
        "[I understand|Fair enough|I hear you], {unwanted} are not for everybody.",
        "[I'm with you|I feel the same], {unwanted} wear me out too.",
    ),
    "keen": (
        "[Yay|Great], I'm so [happy|glad] that it [sounds good|speaks to you]!",
        "[I'm excited for you|How exciting], you are in for a treat!",
        "[Wonderful|Awesome], I think it will make you smile!",
    ),
    "curious": (
        "[Good question|I love your curiosity|I'm glad you ask]!",
        "[Happy to tell you|I like that you are curious]!",
    ),
    "surprised": (
        "[Right|I know], I was amazed as well!",
        "[Haha|Yes], it surprised me too!",
    ),
    "thankful": (
        (
            "[You're so welcome|It was a joy|What a nice chat], [you were lovely to talk to|I enjoyed our "
            "chat|thank you for your kind words]!"
        ),
        "[Aww, thank you|That means a lot], [I'm happy I could help|I loved talking with you]!",
    ),
    "comforted": (
        (
            "[I hope you feel better soon|I really hope things get easier|Be good to yourself tonight][.|, my "
            "friend.|, you deserve it.]"
        ),
        (
            "[Sending you a warm hug|I'm thinking of you|I'm rooting for you], [things will get better|you are "
            "not alone|stay strong]."
        ),
    ),
    "chat": ("{chat}",),
}
"""Acknowledgements of what the seeker just showed, by feeling; those of moods are in `moods`."""
